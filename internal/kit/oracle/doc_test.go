package oracle_test

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestOracleImportsNothingOfRefmon keeps the second answer independent of the code under test (B-40).
func TestOracleImportsNothingOfRefmon(t *testing.T) {
	files, err := os.ReadDir(".")
	check.NoError(t, err)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		check.NoError(t, err)
		for _, i := range parsed.Imports {
			if strings.Contains(i.Path.Value, "refmon") {
				t.Errorf("%s imports %s, want the standard library only", f.Name(), i.Path.Value)
			}
		}
	}
}
