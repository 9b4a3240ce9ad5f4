package refmon_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
)

// transcript runs one of the examples in this process.
func transcript(t *testing.T, name string) []string {
	t.Helper()
	source := check.Must(os.ReadFile(name))
	var out bytes.Buffer
	r := script.New(script.Config{Output: &out})
	if err := r.Run(name, source); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out.String())
	}
	check.Equal(t, r.Close(), nil, "%s leaves something open", name)
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

// Each example holds what it expects, and closes what it opens.
func TestExampleScriptsRunAsExpected(t *testing.T) {
	names, err := filepath.Glob("examples/*.star")
	check.RequireThat(t, err == nil && len(names) != 0, "no example found: %v", err)
	for _, name := range names {
		lines := transcript(t, name)
		check.That(t, filepath.Base(name) != "impersonation.star" || len(lines) <= 60,
			"%s prints %d lines, want at most 60", name, len(lines))
	}
}
