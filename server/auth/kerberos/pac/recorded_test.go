package pac

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/sid"
)

// recorded returns the bytes of a recording, whose folder is named from the root.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../../../../internal") // recordings names its folder from a package below the root
	path, err := filepath.Abs(recordings.File(t, name))
	t.Chdir(here)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRecordedPAC: the parts of a PAC that a domain controller made, as a dump of its
// bytes shows them (K-1, K-3, K-4).
func TestRecordedPAC(t *testing.T) {
	f, err := split(recorded(t, "raw/samba_krb5pac-PAC_DATA.dat"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.read()
	if err != nil {
		t.Fatal(err)
	}
	domain := sid.MustParse("S-1-5-21-1260485059-1173937628-4178590419")
	if p.Logon.User() != domain.WithRID(500) || p.Logon.EffectiveName != "Administrator" ||
		p.Logon.LogonDomainName != "ADDOMAIN" || p.Logon.LogonServer != "ADDC" || p.Logon.PrimaryGroupID != 513 {
		t.Errorf("the user is %+v", p.Logon)
	}
	want := []Membership{{513, 7}, {512, 7}, {572, 7}, {518, 7}, {519, 7}, {520, 7}}
	if !reflect.DeepEqual(p.Logon.Groups, want) || len(p.Logon.ExtraSIDs) != 0 {
		t.Errorf("groups %v and %v, want %v", p.Logon.Groups, p.Logon.ExtraSIDs, want)
	}
	if utf16Text([]byte(p.Client.Name)) != "Administrator" || p.UPN == nil ||
		p.UPN.UPN != "Administrator@addom.samba.example.com" ||
		p.UPN.DNSDomain != "ADDOM.SAMBA.EXAMPLE.COM" || !p.UPN.MadeUp {
		t.Errorf("names %q and %+v", p.Client.Name, p.UPN)
	}
	if p.Delegation != nil || p.Device != nil || p.HasClientClaims || p.Attributes != nil || !p.Requestor.IsZero() {
		t.Errorf("buffers that are not there: %+v", p)
	}
	for _, k := range []kind{kindServer, kindKDC} {
		if s, ok, err := f.signature(k); err != nil || !ok || s.kind != 16 || s.to-s.at != 12 {
			t.Errorf("signature %d: %+v, %t, %v", k, s, ok, err)
		}
	}
}

// TestRecordedClaims: three claims of three types, as another program prints them (K-10).
func TestRecordedClaims(t *testing.T) {
	var b []byte
	line := regexp.MustCompile(`(?m)^\[[0-9A-F]{4}\] (.{50})`)
	for _, m := range line.FindAllStringSubmatch(string(recorded(t, "raw/samba_claims_CLAIMS_SET_NDR.dat")), -1) {
		part, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", m[1], err)
		}
		b = append(b, part...)
	}
	set, err := readClaimsSet(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []claims.Attribute{{Name: "720fd3c3_9", Type: claims.Boolean, Uints: []uint64{1}},
		{Name: "720fd3c3_7", Type: claims.String, Strings: []string{"foo", "bar", "baz"}},
		{Name: "720fd3c3_8", Type: claims.Uint64, Uints: []uint64{655369, 65543, 65542, 65536}}} {
		got, ok := set.Lookup(want.Name)
		if !ok || got.Type != want.Type || !reflect.DeepEqual(got.Uints, want.Uints) ||
			!reflect.DeepEqual(got.Strings, want.Strings) {
			t.Errorf("%s is %+v, %t, want %+v", want.Name, got, ok, want)
		}
	}
	if set.Len() != 3 {
		t.Errorf("%d claims, want 3", set.Len())
	}
}
