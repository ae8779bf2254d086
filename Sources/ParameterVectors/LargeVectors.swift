import CVectorKernels

extension VectorMath {
  /// `count` elements that `initialize` writes, in large pages of memory where the system has them.
  ///
  /// For vectors of parameters that are made in every round: the first pass over new memory costs a fault for every page, and those of 4 KiB
  /// cost more than the pass itself.
  package static func makeLarge<Element: BitwiseCopyable>(
    _ count: Int, _ initialize: (UnsafeMutableBufferPointer<Element>) -> Void
  ) -> [Element] {
    [Element](unsafeUninitializedCapacity: count) { elements, initialized in
      cvk_prefer_large_pages(elements.baseAddress, elements.count * MemoryLayout<Element>.stride)
      initialize(elements)
      initialized = count
    }
  }
}
