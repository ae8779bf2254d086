import FederatedDatasets
import Testing

/// The error of reading `path`, `nil` if there is none.
private func failure(_ path: String, limit: UInt64 = IDXFile.defaultByteLimit) -> DatasetError? {
  do throws(DatasetError) {
    _ = try IDXFile(path: path, byteLimit: limit)
    return nil
  } catch {
    return error
  }
}

@Suite("IDX files")
struct IDXFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("All three element types are read, plain and compressed")
  func elementTypes() throws {
    let files: [(bytes: [UInt8], values: IDXFile.Values, dimensions: [Int])] = [
      (idx(type: 8, [2, 3], [1, 2, 3, 4, 5, 255]), .bytes([1, 2, 3, 4, 5, 255]), [2, 3]),
      (idx(type: 12, [2], bigEndian(7) + bigEndian(UInt32(bitPattern: -2))), .int32([7, -2]), [2]),
      (idx(type: 13, [1, 2], bigEndian(Float(1.5).bitPattern) + bigEndian(Float(-2).bitPattern)), .float32([1.5, -2]), [1, 2]),
      (idx(type: 8, [0, 5], []), .bytes([]), [0, 5]),
    ]
    for file in files {
      for bytes in [file.bytes, gzip(file.bytes)] {
        let read = try IDXFile(path: try folder.write(bytes, to: "file"))
        #expect(read.values == file.values)
        #expect(read.dimensions == file.dimensions)
        #expect(read.isCompressed == (bytes[0] == 0x1f))
        #expect(read.fileByteCount == bytes.count)
      }
    }
  }

  @Test("Concatenated gzip members are one file, zero padding after them is ignored")
  func concatenatedMembers() throws {
    let bytes = idx(type: 8, [100_000], [UInt8](repeating: 7, count: 100_000))
    for cut in [1, 3, 10, 1000] {
      let members = gzip(Array(bytes[..<cut])) + gzip([]) + gzip(Array(bytes[cut...]))
      #expect(try IDXFile(path: try folder.write(members, to: "members")).dimensions == [100_000])
      #expect(try IDXFile(path: try folder.write(members + [0, 0, 0], to: "members")).dimensions == [100_000])
    }
  }

  @Test("Every malformation is refused at the byte where it is")
  func malformations() throws {
    let good = idx(type: 8, [2, 3], [1, 2, 3, 4, 5, 6])
    let cases: [(bytes: [UInt8], offset: Int, problem: String)] = [
      ([], 0, "empty"),
      ([0], 1, "header"),
      ([0, 0, 8], 3, "header"),
      ([0, 1] + good[2...], 0, "two zero bytes"),
      ([0, 0, 9] + good[3...], 2, "element type 9"),
      ([0, 0, 8, 0], 3, "no dimensions"),
      (Array(good[..<10]), 10, "2 dimensions"),
      (Array(good[..<12]), 12, "12 of 18 bytes"),
      (Array(good.dropLast()), 17, "17 of 18 bytes"),
      (good + [0], 18, "after its 6 elements"),
      ([0, 0, 8, 255] + good[4...], 18, "255 dimensions"),
      (idx(type: 8, [1 << 31, 1 << 31, 1 << 31], []), 12, "multiply"),
      (idx(type: 13, [Int(UInt32.max), Int(UInt32.max)], []), 8, "multiply"),
    ]
    for item in cases {
      for compressed in [false, true] {
        let path = try folder.write(compressed ? gzip(item.bytes) : item.bytes, to: "bad")
        guard case .malformed(path, let offset, let problem) = failure(path) else {
          Issue.record("\(item.problem): \(String(describing: failure(path)))")
          continue
        }
        #expect(offset == item.offset, "\(item.problem)")
        #expect(problem.contains(item.problem))
      }
    }
  }

  @Test("A damaged or cut gzip file is refused wherever it is cut, and wherever a bit flips in its checksum")
  func damagedGzip() throws {
    let bytes = gzip(idx(type: 8, [2, 3], [1, 2, 3, 4, 5, 6]))
    for count in 2..<bytes.count {
      let path = try folder.write(Array(bytes[..<count]), to: "cut.gz")
      guard case .corruptGzip(path, let offset, _) = failure(path) else {
        Issue.record("cut after \(count) bytes: \(String(describing: failure(path)))")
        continue
      }
      #expect(offset <= count)
    }
    for index in (bytes.count - 8)..<bytes.count {
      var damaged = bytes
      damaged[index] ^= 1
      guard case .corruptGzip = failure(try folder.write(damaged, to: "damaged.gz")) else {
        Issue.record("a flipped bit at \(index) went unnoticed")
        continue
      }
    }
    guard case .corruptGzip(_, _, let problem) = failure(try folder.write(bytes + [1, 2], to: "trailing.gz")) else {
      Issue.record("bytes after the last member went unnoticed")
      return
    }
    #expect(problem.contains("followed"))
  }

  @Test("No single flipped bit of a file traps or passes as another shape without being seen")
  func flippedBits() throws {
    let plain = idx(type: 12, [3], bigEndian(1) + bigEndian(2) + bigEndian(3))
    for bytes in [plain, gzip(plain)] {
      for index in 0..<min(bytes.count, 24) {
        for bit in 0..<8 {
          var damaged = bytes
          damaged[index] ^= 1 << UInt8(bit)
          let path = try folder.write(damaged, to: "flipped")
          if failure(path) == nil { #expect(try IDXFile(path: path).dimensions == [3]) }
        }
      }
    }
  }

  @Test("What a header declares costs no memory before the bytes are there, and the limit holds")
  func limits() throws {
    // Declares 3 GiB of bytes and has none.
    let hollow = try folder.write(idx(type: 8, [3 << 30], []), to: "hollow")
    guard case .malformed = failure(hollow) else {
      Issue.record("a hollow file was not refused")
      return
    }
    let large = try folder.write(idx(type: 8, [Int(UInt32.max), 4], []), to: "large")
    #expect(failure(large) == .tooLarge(path: large, byteCount: UInt64(UInt32.max) * 4 + 12, limit: 1 << 32))
    let file = try folder.write([UInt8](repeating: 0, count: 1000), to: "file")
    #expect(failure(file, limit: 999) == .tooLarge(path: file, byteCount: 1000, limit: 999))
    // A file that grows beyond what it declares is given up there.
    let bomb = idx(type: 8, [10], [UInt8](repeating: 0, count: 5_000_000))
    guard case .malformed(_, 18, let problem) = failure(try folder.write(gzip(bomb), to: "bomb.gz")) else {
      Issue.record("a bomb was not refused")
      return
    }
    #expect(problem.contains("after its 10 elements"))
  }

  @Test("Missing files, directories and devices are errors with the path")
  func otherPaths() {
    #expect(failure(folder.path + "/nothing") == .fileNotFound(path: folder.path + "/nothing"))
    #expect(failure(folder.path) == .notARegularFile(path: folder.path))
    #expect(failure("/dev/zero") == .notARegularFile(path: "/dev/zero"))
    #expect(failure("") == .fileNotFound(path: ""))
    #expect(failure("/etc/passwd/x") == .fileNotFound(path: "/etc/passwd/x"))
    #expect(failure("/etc\0/x") == .fileNotFound(path: "/etc\0/x"))
  }
}
