/// Decides who may have what. A plain value: events in, effects out; no system call, no clock, no log.
package struct Broker {
    package init() {}

    /// Takes one event and says what has to be done.
    package mutating func handle(_ event: Event) -> [Effect] { [] }
}
