package trail

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// numbers reads event numbers and ranges of them ("4624 to 4627") out of text.
func numbers(t *testing.T, text string) map[uint16]bool {
	t.Helper()
	out := map[uint16]bool{}
	for _, m := range regexp.MustCompile(`\b([145]\d{3})(?: to (\d{4}))?\b`).FindAllStringSubmatch(text, -1) {
		first, err := strconv.Atoi(m[1])
		check.NoError(t, err)
		last := first
		if m[2] != "" {
			if last, err = strconv.Atoi(m[2]); err != nil {
				t.Fatal(err)
			}
		}
		for id := first; id <= last; id++ {
			out[uint16(id)] = true
		}
	}
	return out
}

// Each event of the catalogue is either written, as in the table of docs/audit-log.md, or listed in docs/CAVEATS.md
// as not written, never both (U-57).
func TestEachCatalogueEventIsWrittenOrListed(t *testing.T) {
	page := check.Must(os.ReadFile("../../../docs/audit-log.md"))
	_, table, _ := strings.Cut(string(page), "## Which operations are recorded\n")
	table, _, _ = strings.Cut(table, "\n`refmon services")
	caveats := check.Must(os.ReadFile("../../../docs/CAVEATS.md"))
	_, row, ok := strings.Cut(string(caveats), "| U-57, the catalogue | ")
	check.RequireThat(t, ok, "docs/CAVEATS.md has no row about the catalogue, want one")
	row, _, _ = strings.Cut(row, "\n")
	_, row, _ = strings.Cut(row, ": ") // behind the sentence
	written, absent := numbers(t, table), numbers(t, row)
	for k := range audit.Kinds {
		if written[k.ID] == absent[k.ID] {
			t.Errorf("event %d (%s): written as in the table: %t, listed as not written: %t, want exactly one", k.ID,
				k.Title, written[k.ID], absent[k.ID])
		}
	}
}
