package version

import (
	"runtime"
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	got := Line("refmond", "v1.2.3")
	if !strings.HasPrefix(got, "refmond v1.2.3") || !strings.Contains(got, runtime.Version()) {
		t.Errorf("a release: %q", got)
	}
	if got := Line("refmond", ""); strings.Contains(got, "(devel)") || len(strings.Fields(got)) < 4 {
		t.Errorf("no release: %q", got)
	}
}
