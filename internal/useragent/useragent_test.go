package useragent

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUserAgentHasTheVersionThatWasBuilt(t *testing.T) {
	const module = "github.com/contentstack/csoauth"
	for name, row := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"a dependency":        {&debug.BuildInfo{Deps: []*debug.Module{{Path: "example.com/a", Version: "v9.0.0"}, {Path: module, Version: "v1.2.3"}}}, "1.2.3"},
		"a pseudo-version":    {&debug.BuildInfo{Deps: []*debug.Module{{Path: module, Version: "v0.0.0-20261126200000-0123456789ab+dirty"}}}, "0.0.0-20261126200000-0123456789ab+dirty"},
		"a fork":              {&debug.BuildInfo{Deps: []*debug.Module{{Path: module, Version: "v1.2.3", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.2.4"}}}}, "1.2.4"},
		"a checkout":          {&debug.BuildInfo{Deps: []*debug.Module{{Path: module, Version: "v1.2.3", Replace: &debug.Module{Path: "../csoauth"}}}}, "devel"},
		"the module itself":   {&debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}}, "devel"},
		"its command":         {&debug.BuildInfo{Main: debug.Module{Path: module, Version: "v1.2.3"}}, "1.2.3"},
		"without information": {nil, "devel"},
		"another program":     {&debug.BuildInfo{Main: debug.Module{Path: "example.com/a", Version: "v9.0.0"}}, "devel"},
	} {
		assert.Equal(t, row.want, versionIn(row.info, module), name)
	}
}

func TestAfter(t *testing.T) {
	assert.Equal(t, Own(), After(""))
	assert.Equal(t, "mine/1 "+Own(), After("mine/1"))
	assert.Equal(t, "csoauth/devel (+github.com/contentstack/csoauth)", Own())
}
