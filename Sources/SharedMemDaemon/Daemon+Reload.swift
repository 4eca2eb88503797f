internal import LinuxIPC
internal import SharedMemBroker

extension Daemon {
    /// Reads the configuration again; a bad one changes nothing.
    func reload() {
        let now = SystemClock.monotonic()
        tell { (manager) throws(Errno) in try manager.reloading(since: now) }
        isReadyOwed = true
        let loaded: ConfigurationSource.Loaded
        do throws(ConfigurationError) {
            loaded = try source.load(memory: memoryByteCount)
        } catch {
            log.write(.error, "\(error); the configuration stays as it was")
            return
        }
        log.threshold = loaded.configuration.logLevel
        log.write(.notice, "using \(loaded.origin)")
        for warning in loaded.warnings { log.write(.warning, warning) }
        for option in configuration.optionsNeedingRestart(toBecome: loaded.configuration) {
            log.write(.warning, "\(option) has changed, which counts from the next start on")
        }
        configuration = loaded.configuration.keepingWhatNeedsRestart(of: configuration)
        handle(.configured(configuration.forBroker(ofMemory: memoryByteCount)))
    }
}
