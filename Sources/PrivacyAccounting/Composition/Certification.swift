public import PrivacyEvents

extension PrivacyAccountant {
  /// The figures of `event` from the grid alone, whatever ``choice`` is, with ten times the work that an answer is usually given: a second
  /// interval around the same figure, from arithmetic that has little in common with the contour integral.
  ///
  /// Intervals that do not overlap (``PrivacyBound/overlaps(_:)``) show a defect of one of the methods.
  ///
  /// - Throws: ``AccountingError/unsuitableAccountant(name:reason:remedy:)`` where a mechanism has no privacy-loss distribution. The curve throws
  ///   ``AccountingError/notConverged(what:reason:)`` where the limits of memory and work do not allow an interval.
  public func certifyingCurve(of event: PrivacyEvent) throws(AccountingError) -> CompositionCurve {
    try CompositionCurve(MechanismComposition(event, relation: neighboringRelation), select: MethodSelection.certifyingGrid)
  }

  /// The figures of `event` from the contour integral alone, with ten times the work that it is usually given: a second interval where the
  /// grid answers.
  package func certifyingContour(of event: PrivacyEvent) throws(AccountingError) -> CompositionCurve {
    try CompositionCurve(MechanismComposition(event, relation: neighboringRelation), select: MethodSelection.certifyingContour)
  }
}

extension PrivacyBound {
  /// Whether some value lies in both intervals. For two bounds of the same figure it must.
  public func overlaps(_ other: PrivacyBound) -> Bool { max(lower, other.lower) <= min(upper, other.upper) }
}
