/// A stream of random bytes.
///
/// A source is an object with an identity: whoever holds a reference draws from the same stream, and no two draws
/// return the same bytes. (A source with value semantics would repeat its noise in every copy.) Sources belong to
/// one thread at a time and are not `Sendable`: create one where it is used.
public protocol RandomByteSource: AnyObject {
  /// Overwrites all of `bytes` with the next bytes of the stream. How a stream is cut into calls does not matter.
  func fill(_ bytes: UnsafeMutableRawBufferPointer)
}
