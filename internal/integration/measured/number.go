package measured

import (
	"fmt"
	"runtime"
)

// Number prints three digits or more, and two of what is very small. It has no exponent, unless the
// number is below 0.0001.
func Number(f float64) string {
	switch {
	case f >= 99.95:
		return fmt.Sprintf("%.0f", f)
	case f >= 9.995:
		return fmt.Sprintf("%.1f", f)
	case f > 0 && f < 0.095:
		return fmt.Sprintf("%.2g", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// ThisMachine is the Machine of a report that is made here.
func ThisMachine() string {
	return fmt.Sprintf("%d processors, %s, %s/%s", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
