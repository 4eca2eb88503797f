internal import SharedMemStore

/// How a heap's free space did over a run.
struct Wear {
    private var samples: [FreeSpace] = []
    private var fullCount = 0
    private var refusedCount = 0

    /// Notes the free space now.
    mutating func sample(_ store: Store, _ churn: Churn) {
        let needed = Geometry.granules(keyByteCount: 64, valueByteCount: Churn.largestByteCount)
        samples.append(FreeSpace(of: store, for: needed))
        fullCount = churn.fullCount
        refusedCount = churn.refusedCount
    }

    /// The mean waste of one fifth of the samples, counted from 0.
    private func waste(ofFifth fifth: Int) -> Double {
        let part = samples[samples.count * fifth / 5..<samples.count * (fifth + 1) / 5]
        return part.reduce(0) { $0 + $1.waste } / Double(max(1, part.count))
    }

    /// Throws if waste grew, or if a set was refused that should not have been.
    func judge() throws(Wrong) {
        guard samples.count >= 5 else { throw Wrong(description: "there were too few samples to judge") }
        let early = waste(ofFifth: 1)
        let late = waste(ofFifth: 4)
        guard late <= early * 1.1 + 0.02 else {
            throw Wrong(
                description: "it grew from \(percent(early)) in the second fifth to \(percent(late)) in the last")
        }
        guard refusedCount == 0 else {
            throw Wrong(description: "\(refusedCount) sets were refused while 1.25 times what they needed was free")
        }
    }

    /// The last sample in words.
    var last: String {
        guard let sample = samples.last else { return "no sample yet" }
        return
            "waste \(percent(sample.waste)) of \(mebibytes(sample.granuleCount)) free in \(sample.blockCount) blocks, "
            + "the largest \(mebibytes(sample.largestGranuleCount)), \(fullCount) sets refused"
    }

    /// The whole run in words.
    var summary: String {
        "waste " + (0..<5).map { percent(waste(ofFifth: $0)) }.joined(separator: ", ") + " in its fifths, "
            + "\(fullCount) sets refused, \(refusedCount) of them with room"
    }

    private func mebibytes(_ granuleCount: Int) -> String { oneDecimal(Double(granuleCount) / 16_384) + " MiB" }
}
