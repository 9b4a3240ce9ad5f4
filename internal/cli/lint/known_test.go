package lint

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// Each form of SIDs is known with its number of parts, and with no other number. Source: MS-DTYP 2.4.2.4, "Security
// identifiers" of Windows Server, and S-1-22 as Samba maps ids.
func TestSIDFormsHaveTheirLength(t *testing.T) {
	for text, want := range map[string]bool{
		"S-1-0-0": true, "S-1-1-0": true, "S-1-1-7": false, "S-1-3-4": true, "S-1-4-9": false, "S-1-5-5-1": false,
		"S-1-5-5-1-2": true, "S-1-5-5-1-2-3": false, "S-1-5-18": true, "S-1-5-21-1-2-3": false,
		"S-1-5-21-1-2-3-4-5": false, "S-1-5-21-1-2-3-1107": true, "S-1-5-32-544": true, "S-1-5-32-9999": false,
		"S-1-5-32-99999": false, "S-1-5-64-10": true, "S-1-5-64-99": false, "S-1-5-65-7": false, "S-1-5-79-1": false,
		"S-1-5-80-1": true, "S-1-5-80-1-2-3-4-5": true, "S-1-5-81-1": false, "S-1-5-82-1": true,
		"S-1-5-82-1-2-3-4-5": true, "S-1-5-83-1": true, "S-1-5-83-1-2": true, "S-1-5-84-0-0-0-0-0": true,
		"S-1-5-87-1": true, "S-1-5-88": false, "S-1-5-88-1": true, "S-1-5-88-1-2": true, "S-1-5-88-1-7": true,
		"S-1-5-89-1": true, "S-1-5-90-0-1": true, "S-1-5-90-1": true, "S-1-5-91-1": false, "S-1-5-92-1": false,
		"S-1-5-93": false, "S-1-5-93-2-1": true, "S-1-5-94-1": true, "S-1-5-95-1": false, "S-1-5-96-0-1": true,
		"S-1-5-97-0-1": true, "S-1-5-98-1": false, "S-1-5-99-1": true, "S-1-9-7": false, "S-1-9-21": false,
		"S-1-11-95-1": false, "S-1-11-96": false, "S-1-11-96-1": true, "S-1-12-1-1-2-3": false,
		"S-1-12-1-1-2-3-4": true, "S-1-12-1-2-3-4": false, "S-1-12-1-2-3-4-5": true, "S-1-12-1-2-3-4-5-6": false,
		"S-1-12-2-1-2-3-4": false, "S-1-12-2-2-3-4-5": false, "S-1-13-1": false, "S-1-15-1-7": false,
		"S-1-15-2": false, "S-1-15-2-1-2": true, "S-1-15-2-7": true, "S-1-15-3": false, "S-1-15-3-7": true,
		"S-1-15-4-7": false, "S-1-16-1-2": false, "S-1-16-4096": true, "S-1-16-4097": true, "S-1-16-9000": true,
		"S-1-17-1": true, "S-1-17-1-2": true, "S-1-18-1": true, "S-1-18-1-1": false, "S-1-18-6": true,
		"S-1-18-7": false, "S-1-19-512": false, "S-1-19-512-1": true, "S-1-19-512-1-1": false,
		"S-1-19-512-4096": true, "S-1-22-1": false, "S-1-22-1-0": true, "S-1-22-1-2-3": false, "S-1-22-2-7": true,
		"S-1-22-3-7": false, "S-1-22-21-1": false, "S-1-23-1": false, "S-1-99-1": false,
	} {
		s := sid.MustParse(text)
		check.Equal(t, known(s), want, "%s: known", text)
		if !want {
			got := strings.Contains(unknown(s), "three parts for the domain")
			check.Equal(t, got, strings.HasPrefix(text, "S-1-5-21-"), "form of an account in %q", unknown(s))
		}
	}
	bare, _ := sid.New(5)
	const want = "owner: unknown-sid: S-1-5 is not well known and has no form in which accounts, services or " +
		"packages are given out; check it for a typing error\n"
	d := sd.New(sd.Parts{Owner: bare, Group: sid.LocalSystem, DACL: check.Must(sd.NewACL())})
	check.Equal(t, texts(Check(d, nil, sid.SID{})), want, "findings for an authority alone")
}
