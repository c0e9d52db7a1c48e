package browser

// on returns a machine with these variables, whose kernel is named by these files.
func on(goos string, env map[string]string, kernels []string) machine {
	return machine{goos, func(name string) string { return env[name] }, kernels}
}

// Platform returns the commands to try on a machine.
func Platform(goos string, env map[string]string, kernels ...string) ([][]string, error) {
	return on(goos, env, kernels).commands()
}

// OpenOn opens an address as on a machine with these variables.
func OpenOn(goos string, env map[string]string, address string) (*Process, error) {
	return on(goos, env, nil).open(address)
}

// Kernels are the files that name the kernel of this machine.
func Kernels() []string { return here().kernels }

var Arguments = arguments
