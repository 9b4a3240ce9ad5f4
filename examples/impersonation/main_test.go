package main

import (
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// README shows what the program prints.
func TestReadmeShowsOutput(t *testing.T) {
	var out strings.Builder
	check.NoError(t, run(&out))
	readme := check.Must(os.ReadFile("../../README.md"))
	if !strings.Contains(string(readme), out.String()) {
		t.Errorf("README.md does not contain the output:\n%s", out.String())
	}
}
