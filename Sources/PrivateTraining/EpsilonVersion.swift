/// Version of this package, as reports state it.
public enum EpsilonVersion {
  /// Semantic version.
  public static let current = "0.1.0"
}
