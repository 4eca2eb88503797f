import TestSupport
import Testing

@testable import SharedMemStore

@Suite struct SizeClassTests {
    /// The largest size of a block, in granules.
    static let largest = Int(UInt32.max)

    /// All sizes up to 4,096; every class's least size up to the largest, with both neighbours; 20,000 random ones.
    static let sizes: [Int] = {
        var sizes = Set(1...4096)
        for first in 1..<SizeClass.firstCount {
            for second in 0..<SizeClass.secondCount {
                let least = leastGranuleCount(of: SizeClass(first: first, second: second))
                sizes.formUnion([least - 1, least, least + 1])
            }
        }
        var random = SplitMix(seed: 1)
        for _ in 0..<10_000 {
            sizes.insert(1 + Int(random.next() % (1 << 20)))
            sizes.insert(1 + Int(random.next() >> 32) >> Int(random.next() % 32))
        }
        return sizes.filter { (1...largest).contains($0) }.sorted()
    }()

    /// What the paper says: 2^(first + 3) cut in 16 steps; below 16 every size is a class.
    static func leastGranuleCount(of list: SizeClass) -> Int {
        list.first == 0 ? list.second : (16 + list.second) << (list.first - 1)
    }

    /// Where a class is in the order of their sizes.
    static func rank(_ list: SizeClass) -> Int { list.first * SizeClass.secondCount + list.second }

    @Test func classOfASizeHoldsExactlyTheSizesFromItsLeastToTheNextOnes() {
        for size in Self.sizes {
            let list = SizeClass(holding: size)
            let next = Self.rank(list) + 1
            let above = SizeClass(first: next / SizeClass.secondCount, second: next % SizeClass.secondCount)
            #expect(Self.leastGranuleCount(of: list) <= size && size < Self.leastGranuleCount(of: above), "\(size)")
        }
    }

    @Test func everySizeHasAListThatExists() {
        for size in Self.sizes {
            let list = SizeClass(holding: size)
            #expect((0..<SizeClass.firstCount).contains(list.first), "\(size)")
            #expect((0..<SizeClass.secondCount).contains(list.second), "\(size)")
        }
    }

    @Test func largerSizesNeverHaveLowerClasses() {
        for (size, next) in zip(Self.sizes, Self.sizes.dropFirst()) {
            #expect(Self.rank(SizeClass(holding: size)) <= Self.rank(SizeClass(holding: next)), "\(size), \(next)")
            #expect(Self.rank(SizeClass(fitting: size)) <= Self.rank(SizeClass(fitting: next)), "\(size), \(next)")
        }
    }

    @Test func everyBlockOfAFittingListFits() {
        for size in Self.sizes {
            #expect(Self.leastGranuleCount(of: SizeClass(fitting: size)) >= size, "\(size)")
        }
    }

    @Test func noListBeforeTheFittingOneIsSureToFit() {
        for size in Self.sizes {
            let fitting = Self.rank(SizeClass(fitting: size))
            guard fitting > 0 else { continue }
            let before = SizeClass(
                first: (fitting - 1) / SizeClass.secondCount, second: (fitting - 1) % SizeClass.secondCount)
            #expect(Self.leastGranuleCount(of: before) < size, "\(size)")
        }
    }

    @Test func onlyTheOwnListIsBetweenASizeAndItsFittingOne() {
        for size in Self.sizes {
            let distance = Self.rank(SizeClass(fitting: size)) - Self.rank(SizeClass(holding: size))
            #expect((0...1).contains(distance), "\(size)")
        }
    }
}
