package sid_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/sid"
)

// vectorRows reads one file of recorded outcomes, or skips.
func vectorRows[T any](t *testing.T, name string) []T {
	t.Helper()
	dir := os.Getenv("REFMON_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "vectors")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("recorded vectors are not here (set REFMON_VECTORS): %v", err)
	}
	defer f.Close()
	var rows []T
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		var r T
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// Recorded on Windows: S-7, S-8, S-10, S-80.
func TestVectorsSIDStrings(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1225132014-296224811-2507946102")
	for _, r := range vectorRows[struct {
		String string
		SID    *string
	}](t, "sid_strings_windows.jsonl") {
		t.Run(r.String, func(t *testing.T) {
			s, err := sid.Resolve(r.String, domain)
			if r.SID == nil {
				if err == nil {
					t.Fatalf("read as %v, want a refusal", s)
				}
				return
			}
			want := strings.ReplaceAll(*r.SID, "{domain_sid}", domain.String())
			if err != nil || s.String() != want {
				t.Fatalf("got %v, %v, want %s", s, err, want)
			}
		})
	}
}
