public import PrivacyEvents

extension PrivacyAccountant {
  /// What `event` allows tests to find out, as a trade-off curve.
  ///
  /// - Throws: for an event without a bound, as ``checkSupport(of:)``, and for a Monte Carlo accountant: a curve compares its answers at many ε.
  public func tradeOffCurve(of event: PrivacyEvent) throws(AccountingError) -> TradeOffCurve { TradeOffCurve(try profile(of: event)) }

  /// The profile of `event` in both directions.
  package func profile(of event: PrivacyEvent) throws(AccountingError) -> any DirectionalProfile {
    try checkAnswersAreCertain()
    return RoundsProfile(curve: try curve(of: event), rounds: 1)
  }
}
