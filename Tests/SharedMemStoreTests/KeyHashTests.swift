import SharedMemStore
import Testing

@Suite struct KeyHashTests {
    private func hash(_ key: [UInt8], seed: UInt64 = 0x9216_d5d9_8979_fb1b) -> UInt64 {
        unsafe key.withUnsafeBytes { unsafe KeyHash($0, seed: seed).bits }
    }

    /// What `sharedmem_layout.h` says, word for word.
    private func declared(_ key: [UInt8], seed: UInt64) -> UInt64 {
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
            bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let product = left.multipliedFullWidth(by: right)
            return product.high ^ product.low
        }
        let other = seed ^ 0x243f_6a88_85a3_08d3
        var state = seed ^ 0x1319_8a2e_0370_7344
        var a = word(key[...])
        var b = key.count > 8 ? word(key[8...]) : 0
        if key.count > 16 {
            var rest = key[...]
            while rest.count > 16 {
                state = fold(word(rest) ^ other, word(rest.dropFirst(8)) ^ state)
                rest = rest.dropFirst(16)
            }
            a = word(key.suffix(16))
            b = word(key.suffix(8))
        }
        return fold(fold(a ^ other, b ^ state) ^ UInt64(key.count), 0x9e37_79b9_7f4a_7c15)
    }

    @Test func hashIsTheOneThatTheLayoutDeclares() {
        var random = SystemRandomNumberGenerator()
        for count in 0...70 {
            for _ in 0..<20 {
                let key = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                let seed = random.next()
                #expect(hash(key, seed: seed) == declared(key, seed: seed))
            }
        }
    }

    @Test func everyBitOfAKeyItsLengthAndTheSeedCount() {
        var hashes: Set<UInt64> = []
        var count = 0
        for byteCount in 0...40 {
            let key = [UInt8](repeating: 0, count: byteCount)
            hashes.insert(hash(key))
            hashes.insert(hash(key, seed: 0x9216_d5d9_8979_fb1a))
            count += 2
            for bit in 0..<byteCount * 8 {
                var other = key
                other[bit / 8] ^= 1 << UInt8(bit % 8)
                hashes.insert(hash(other))
                count += 1
            }
        }
        #expect(hashes.count == count)
    }

    /// With the seed as a factor alone, 0 gave all short keys one hash.
    @Test(arguments: [0, 1, 2, 42, 1 << 63, UInt64.max] as [UInt64])
    func simpleSeedsAreNoWeakOnes(seed: UInt64) {
        var hashes: Set<UInt64> = []
        for number in 0..<100_000 {
            hashes.insert(hash(Array(String(number).utf8), seed: seed))
            hashes.insert(hash(Array("key-\(number)-".utf8), seed: seed))
            hashes.insert(hash(Array("a-key-of-sixteen-\(number)".utf8), seed: seed))
        }
        #expect(hashes.count == 300_000)
    }

    /// Chi-squared with 1,023 degrees of freedom: 1,300 has a probability of 10^-8 for a random function.
    @Test(arguments: [3, 6, 10, 16, 24])
    func keysThatCountUpSpreadOverHomesTagsAndStripes(prefixByteCount: Int) {
        var homes = [Int](repeating: 0, count: 1024)
        var lows = [Int](repeating: 0, count: 1024)
        let keyCount = 102_400
        for number in 0..<keyCount {
            let bits = hash([UInt8](repeating: 107, count: prefixByteCount) + Array(String(number).utf8))
            homes[Int(bits >> 54)] += 1
            lows[Int(bits & 1023)] += 1
        }
        for counts in [homes, lows] {
            let expected = Double(keyCount) / 1024
            let chi = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
            #expect(chi < 1300)
        }
    }
}
