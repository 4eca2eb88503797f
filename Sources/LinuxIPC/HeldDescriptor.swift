/// Shares one open descriptor between several owners; it is closed with the last of them.
package final class HeldDescriptor: Sendable {
    /// The descriptor.
    package let descriptor: FileDescriptor

    /// Takes over a descriptor.
    package init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
}
