package objects_test

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// FuzzUnfold checks that text copied from LDIF gives the same descriptor however its lines are folded, and that no text
// causes a panic (B-58).
func FuzzUnfold(f *testing.F) {
	f.Add(readers, 20)
	f.Add("AQAUgBQAAAAAAAAAAAAAAAAAAAA=", 3)
	f.Add("nTSecurityDescriptor:: ", 1)
	d, err := sddl.Parse(readers, sddl.Options{})
	check.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string, at int) {
		_, _ = objects.ParseDescriptor(objects.Unfold(text), sid.SID{})
		for _, value := range []string{hex.EncodeToString(d.Binary()), base64.StdEncoding.EncodeToString(d.Binary())} {
			n := 1 + (at&0x7fffffff)%(len(value)-1)
			for _, folded := range []string{value, value[:n] + "\n " + value[n:],
				" ntsecuritydescriptor:: " + value[:n] + "\r\n " + value[n:]} {
				check.Equal(t, objects.Unfold(folded), value, "%q", folded)
			}
		}
		check.Equal(t, objects.Unfold(readers), readers, "SDDL")
	})
}
