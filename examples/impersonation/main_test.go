package main

import (
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
)

// README shows what the program prints.
func TestReadmeShowsOutput(t *testing.T) {
	var out strings.Builder
	sys := kernel.Boot(kernel.Config{})
	check.NoError(t, run(sys, &out))
	check.NoError(t, sys.Close())
	readme := check.Must(os.ReadFile("../../README.md"))
	if !strings.Contains(string(readme), out.String()) {
		t.Errorf("README.md does not contain the output:\n%s", out.String())
	}
}
