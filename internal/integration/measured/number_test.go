package measured

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNumber(t *testing.T) {
	for want, f := range map[string]float64{
		"0.00": 0, "0.0012": 0.001234, "0.094": 0.0944, "0.10": 0.0951, "0.98": 0.978, "1.38": 1.384, "9.99": 9.99, "10.0": 9.999,
		"99.9": 99.94, "100": 99.96, "1244": 1243.7,
	} {
		assert.Equal(t, want, Number(f))
	}
}
