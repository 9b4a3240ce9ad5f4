package clients

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/ntstatus"
)

var write = flag.Bool("write", false, "write python/refmon/table.json")

const tableFile = "python/refmon/table.json"

// The table for clients equals that of the services.
func TestClientTableMatchesServiceTable(t *testing.T) {
	b := table(t)
	if *write {
		check.NoError(t, os.WriteFile(tableFile, b, 0o644))
	}
	got, err := os.ReadFile(tableFile)
	check.That(t, err == nil && bytes.Equal(got, b),
		"%s is not that of the services (%v): go test ./clients -args -write", tableFile, err)
}

// table returns the file, with one line a row.
func table(t *testing.T) []byte {
	t.Helper()
	d := wire.Describe()
	statuses := map[string]string{}
	for st, name := range ntstatus.All {
		statuses[fmt.Sprint(uint32(st))] = name
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"version\": %d,\n", d.Version)
	lines(t, &b, "structs", d.Structs)
	lines(t, &b, "any", d.Any)
	lines(t, &b, "rows", d.Rows)
	lines(t, &b, "statuses", statuses)
	lines(t, &b, "constants", script.Constants())
	b.Truncate(b.Len() - len(",\n"))
	b.WriteString("\n}\n")
	check.RequireThat(t, json.Valid(b.Bytes()), "the table is not valid JSON")
	return b.Bytes()
}

func lines[V any](t *testing.T, b *bytes.Buffer, name string, members map[string]V) {
	t.Helper()
	fmt.Fprintf(b, "%q: {\n", name)
	for i, k := range slices.Sorted(maps.Keys(members)) {
		v := check.Must(json.Marshal(members[k]))
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(b, "%q: %s", k, v)
	}
	b.WriteString("\n},\n")
}

// The Python package has the version of the release.
func TestPythonPackageHasReleaseVersion(t *testing.T) {
	release := check.Must(os.ReadFile("../VERSION"))
	project := check.Must(os.ReadFile("python/pyproject.toml"))
	if want := fmt.Sprintf("\nversion = %q\n", bytes.TrimSpace(release)); !bytes.Contains(project, []byte(want)) {
		t.Errorf("python/pyproject.toml does not contain the line %s", want)
	}
}
