package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write generated documents instead of comparing them")

// TestServicesDoc: the page says what the tables say.
func TestServicesDoc(t *testing.T) {
	const name = "../../docs/services.md"
	var b bytes.Buffer
	writeServices(&b)
	if *update {
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s is out of date: go test ./cmd/refmon -run ServicesDoc -update", name)
	}
}

// TestServicesAreCounted: the list ends with the numbers of its own rows, and as JSON
// it has the same services, with what is missing from those that are partial.
func TestServicesAreCounted(t *testing.T) {
	_, page, _ := asked("services")
	support, names := map[string]int{}, map[string]string{}
	for line := range strings.Lines(page) {
		if cells := strings.Fields(line); strings.HasPrefix(line, "  ") {
			support[cells[1]]++
			names[cells[0]] = cells[1]
		}
	}
	want := fmt.Sprintf("\n%d services, %d complete, %d partial; ", len(names), support["complete"], support["partial"])
	if support["partial"] == 0 || support["complete"]+support["partial"] != len(names) || !strings.Contains(page, want) {
		t.Errorf("%v of %d, want %q at the end:\n%s", support, len(names), want, page[max(0, len(page)-200):])
	}
	_, rows, _ := asked("services", "--json")
	for line := range strings.Lines(rows) {
		var row struct {
			Name, Support, Missing string
			Statuses               []struct{ Status, Rule, When string }
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Support != names[row.Name] || (row.Missing != "") != (row.Support == "partial") {
			t.Errorf("%s: %q with %q missing, the list says %q", row.Name, row.Support, row.Missing, names[row.Name])
		}
		for _, s := range row.Statuses {
			if !strings.Contains(s.Rule, "-") || s.When == "" || s.Status == "" {
				t.Errorf("%s: %+v", row.Name, s)
			}
		}
		delete(names, row.Name)
	}
	if len(names) > 0 {
		t.Errorf("not in the JSON: %v", names)
	}
}
