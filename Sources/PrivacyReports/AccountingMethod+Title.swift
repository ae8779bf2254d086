public import PrivacyAccounting

extension AccountingMethod {
  /// The method in words, with its source.
  public var title: String {
    switch self {
    case .trivial: "trivial (nothing or everything was released)"
    case .analyticGaussian: "exact δ(ε) of the Gaussian mechanism (Balle and Wang 2018)"
    case .sampledClosedForm: "exact δ(ε) of one sampled Gaussian release (Balle, Barthe and Gaboardi 2018)"
    case .contour: "exact contour integral of δ(ε) with its error bound (Alghamdi et al. 2023)"
    case .grid: "privacy-loss distribution on a grid, rounded outward (Doroshenko et al. 2022)"
    case .pureComposition: "basic composition of pure mechanisms"
    case .renyi: "Rényi differential privacy over all real orders (Mironov 2017; conversion of Canonne, Kamath and Steinke 2020)"
    case .monteCarlo: "Monte Carlo draws, an upper confidence bound (Hoeffding 1963)"
    }
  }
}
