#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Reading of whole files, with every failure as a ``DatasetError``.
///
/// By POSIX calls: Foundation's file attributes have other dynamic types in programs that link all of Foundation
/// than in those that link its essentials, and a size that silently is not one would disable the limit.
enum FileReading {
  /// All bytes of the regular file at `path`, which may be a symbolic link.
  ///
  /// The file is read, not mapped: a mapped file that shrinks while it is read ends the process.
  static func bytes(path: String, limit: UInt64) throws(DatasetError) -> [UInt8] {
    guard !path.utf8.contains(0) else { throw .fileNotFound(path: path) }
    // Without O_NONBLOCK, opening a pipe would wait for somebody to write into it.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(errno, path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(errno, path) }
    // Devices and pipes may never end, so nothing but a regular file is read.
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
    let size = UInt64(max(0, status.st_size))
    if size > limit { throw .tooLarge(path: path, byteCount: size, limit: limit) }
    return try read(descriptor, size: Int(size), path: path)
  }

  /// At most `size` bytes: fewer if the file shrinks meanwhile, and no more if it grows.
  private static func read(_ descriptor: Int32, size: Int, path: String) throws(DatasetError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size, let start = buffer.baseAddress {
        // One call transfers less than 2 GiB in any case.
        let got = systemRead(descriptor, start + count, min(size - count, 1 << 30))
        if got > 0 {
          count += got
        } else if got == 0 {
          return
        } else if errno != EINTR {
          code = errno
          return
        }
      }
    }
    if code != 0 { throw failure(code, path) }
    return bytes
  }

  /// The system call `read`, which the method above hides.
  private static func systemRead(_ descriptor: Int32, _ start: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    #if canImport(Glibc)
    Glibc.read(descriptor, start, count)
    #elseif canImport(Musl)
    Musl.read(descriptor, start, count)
    #else
    Darwin.read(descriptor, start, count)
    #endif
  }

  private static func failure(_ code: Int32, _ path: String) -> DatasetError {
    if code == ENOENT || code == ENOTDIR { return .fileNotFound(path: path) }
    return .unreadable(path: path, reason: strerror(code).map { String(cString: $0) } ?? "error \(code)")
  }

  /// Whether `path` leads to a directory; `nil` if it leads nowhere.
  static func isDirectory(_ path: String) -> Bool? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT == S_IFDIR
  }

  /// Names of the entries of a directory, sorted.
  static func entries(ofDirectory path: String) throws(DatasetError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      throw .unreadable(path: path, reason: "the directory cannot be listed")
    }
  }

  /// The path of `name` inside `directory`.
  static func join(_ directory: String, _ name: String) -> String {
    directory.hasSuffix("/") ? directory + name : directory + "/" + name
  }
}
