internal import CLinuxIPC

/// Describes a program that is to run: file, arguments, environment, and the descriptors it finds open.
package struct ProgramImage: Sendable {
    /// The program's file.
    package var path: String
    /// The arguments, the program's own name first.
    package var arguments: [String]
    /// The environment, each entry as `NAME=value`.
    package var environment: [String]
    /// Names of variables that hold the process's own pid.
    package var processVariables: [String]
    /// What the program finds at 3, 4, 5 and so on; everything else but 0, 1 and 2 is closed.
    package var descriptors: [HeldDescriptor]

    /// Describes a program.
    package init(
        path: String, arguments: [String], environment: [String], processVariables: [String],
        descriptors: [HeldDescriptor]
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.processVariables = processVariables
        self.descriptors = descriptors
    }

    /// Starts the program as a child that gets `deathSignal` when the calling thread ends; `fork(2)`, `execve(2)`.
    ///
    /// The child begins with no signal blocked or ignored. Whatever the child fails with is thrown here.
    package func start(deathSignal: Int32) throws(Errno) -> ChildProcess {
        ChildProcess(
            pid: try unsafe withProgram { program in unsafe linuxipc_start_program(program, deathSignal) })
    }

    /// Turns this process into the program, which keeps the pid, the children and the blocked signals; `execve(2)`.
    ///
    /// Returns by throwing only, and then this process has all its descriptors as before.
    package func replaceThisProcess() throws(Errno) {
        _ = try unsafe withProgram { program in unsafe linuxipc_become_program(program) }
    }

    /// Lends the C form of this value.
    private func withProgram(_ body: (UnsafePointer<linuxipc_program>) -> CInt) throws(Errno) -> CInt {
        let arguments = Self.block(arguments)
        let environment = Self.block(environment)
        let variables = Self.block(processVariables)
        let raw = descriptors.map { $0.descriptor.rawValue }
        return try retryingWhenInterrupted {
            unsafe path.withCString { path in
                unsafe arguments.withUnsafeBufferPointer { arguments in
                    unsafe environment.withUnsafeBufferPointer { environment in
                        unsafe variables.withUnsafeBufferPointer { variables in
                            unsafe raw.withUnsafeBufferPointer { raw in
                                var program = unsafe linuxipc_program(
                                    path: path, arguments: arguments.baseAddress,
                                    arguments_byte_count: arguments.count, environment: environment.baseAddress,
                                    environment_byte_count: environment.count,
                                    process_variables: variables.baseAddress,
                                    process_variables_byte_count: variables.count, descriptors: raw.baseAddress,
                                    descriptor_count: raw.count)
                                return unsafe body(&program)
                            }
                        }
                    }
                }
            }
        }
    }

    /// Puts strings one behind the other, each with a terminating zero.
    private static func block(_ strings: [String]) -> [CChar] {
        var bytes: [CChar] = []
        for string in strings {
            for byte in string.utf8 { bytes.append(CChar(bitPattern: byte)) }
            bytes.append(0)
        }
        return bytes
    }
}
