package sid_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/sid"
)

// Parse accepts and refuses the strings recorded on Windows, with the same SIDs (S-7, S-8, S-10, S-80).
func TestSIDParsingMatchesRecordedWindows(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1225132014-296224811-2507946102")
	for _, r := range recordings.Rows[struct {
		String string
		SID    *string
	}](t, "sid_strings_windows.jsonl") {
		t.Run(r.String, func(t *testing.T) {
			s, err := sid.Resolve(r.String, domain)
			if r.SID == nil {
				check.RequireThat(t, err != nil, "parsed as %v, want an error", s)
				return
			}
			want := strings.ReplaceAll(*r.SID, "{domain_sid}", domain.String())
			check.RequireThat(t, err == nil && s.String() == want, "parsed as %v, %v, want %s", s, err, want)
		})
	}
}
