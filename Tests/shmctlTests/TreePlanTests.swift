import Testing

@testable import shmctl

@Suite struct TreePlanTests {
    /// Plans for keys that are text; answers with the paths and the refusals as text.
    private func plan(_ keys: [String]) -> (paths: [String], refused: [String: TreePath.Refusal]) {
        let plan = TreePlan(keys: keys.map { Array($0.utf8) })
        var refused: [String: TreePath.Refusal] = [:]
        for entry in plan.refused { refused[String(decoding: entry.key, as: UTF8.self)] = entry.reason }
        return (plan.paths.map { String(decoding: $0.bytes, as: UTF8.self) }, refused)
    }

    @Test func keysBesideEachOtherAreAllWritten() {
        let (paths, refused) = plan(["a", "a-b", "ab/c", "ab/d", "b"])
        #expect(paths == ["a", "a-b", "ab/c", "ab/d", "b"])
        #expect(refused.isEmpty)
    }

    @Test func keyThatWouldBeAFolderIsRefused() {
        let (paths, refused) = plan(["a", "a-", "a/b", "a/b/c", "a/d"])
        #expect(paths == ["a-", "a/b/c", "a/d"])
        #expect(refused == ["a": .isFolderOf(Array("a/b".utf8)), "a/b": .isFolderOf(Array("a/b/c".utf8))])
    }

    @Test func refusedKeyMakesNoFolder() {
        let (paths, refused) = plan(["a", "a/", "a/../b", "a//c"])
        #expect(paths == ["a"])
        #expect(refused == ["a/": .emptyComponent, "a/../b": .leadsOut, "a//c": .emptyComponent])
    }

    @Test func everyKeyIsEitherWrittenOrRefused() {
        let parts = ["", ".", "..", "a", "b"]
        var keys: Set<String> = []
        for first in parts {
            for second in parts {
                for third in parts { keys.formUnion([first, first + "/" + second, "\(first)/\(second)/\(third)"]) }
            }
        }
        let (paths, refused) = plan(keys.sorted())
        #expect(Set(paths).union(refused.keys) == keys)
        #expect(paths.count + refused.count == keys.count)
        #expect(paths.sorted() == ["a/a/a", "a/a/b", "a/b/a", "a/b/b", "b/a/a", "b/a/b", "b/b/a", "b/b/b"])
    }
}
