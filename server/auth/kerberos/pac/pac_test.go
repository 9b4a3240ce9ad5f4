package pac

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
)

// recorded returns the bytes of a recording, whose folder is named from the root.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	here := check.Must(os.Getwd())
	t.Chdir("../../../../internal") // recordings names its folder from a package below the root
	path, err := filepath.Abs(recordings.File(t, name))
	t.Chdir(here)
	check.NoError(t, err)
	return check.Must(os.ReadFile(path))
}

// TestRecordedSambaPACParses checks the parts of a domain controller's PAC against a dump of its bytes (K-1, K-3, K-4).
func TestRecordedSambaPACParses(t *testing.T) {
	data := recorded(t, "raw/samba_krb5pac-PAC_DATA.dat")
	f := check.Must(split(data))
	p := check.Must(f.read())
	check.DeepEqual(t, check.Must(ReadAnswer(check.Must(p.MarshalAnswer()), data)), p, "K-90: the parser's answer")
	domain := sid.MustParse("S-1-5-21-1260485059-1173937628-4178590419")
	check.That(t, p.Logon.User() == domain.WithRID(500) && p.Logon.EffectiveName == "Administrator" &&
		p.Logon.LogonDomainName == "ADDOMAIN" && p.Logon.LogonServer == "ADDC" && p.Logon.PrimaryGroupID == 513,
		"the user is %+v", p.Logon)
	want := []Membership{{513, 7}, {512, 7}, {572, 7}, {518, 7}, {519, 7}, {520, 7}}
	check.That(t, reflect.DeepEqual(p.Logon.Groups, want) && len(p.Logon.ExtraSIDs) == 0,
		"groups %v and %v, want %v", p.Logon.Groups, p.Logon.ExtraSIDs, want)
	check.That(t, utf16Text([]byte(p.Client.Name)) == "Administrator" && p.UPN != nil &&
		p.UPN.UPN == "Administrator@addom.samba.example.com" &&
		p.UPN.DNSDomain == "ADDOM.SAMBA.EXAMPLE.COM" && p.UPN.MadeUp, "names %q and %+v", p.Client.Name, p.UPN)
	if p.Delegation != nil || p.Device != nil || p.HasClientClaims || p.Attributes != nil || !p.Requestor.IsZero() {
		t.Errorf("the PAC has optional buffers that the recording does not have: %+v", p)
	}
	for _, k := range []kind{kindServer, kindKDC} {
		s, ok, err := f.signature(k)
		check.That(t, err == nil && ok && s.kind == 16 && s.to-s.at == 12, "signature %d: %+v, %t, %v", k, s, ok, err)
	}
}

// TestRecordedSambaClaimsParse checks three claims of three types against the output of another program (K-10).
func TestRecordedSambaClaimsParse(t *testing.T) {
	var b []byte
	line := regexp.MustCompile(`(?m)^\[[0-9A-F]{4}\] (.{50})`)
	for _, m := range line.FindAllStringSubmatch(string(recorded(t, "raw/samba_claims_CLAIMS_SET_NDR.dat")), -1) {
		part, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
		check.RequireThat(t, err == nil, "%q: %v", m[1], err)
		b = append(b, part...)
	}
	set := check.Must(readClaimsSet(b))
	for _, want := range []claims.Attribute{{Name: "720fd3c3_9", Type: claims.Boolean, Uints: []uint64{1}},
		{Name: "720fd3c3_7", Type: claims.String, Strings: []string{"foo", "bar", "baz"}},
		{Name: "720fd3c3_8", Type: claims.Uint64, Uints: []uint64{655369, 65543, 65542, 65536}}} {
		got, ok := set.Lookup(want.Name)
		check.That(t, ok && got.Type == want.Type && reflect.DeepEqual(got.Uints, want.Uints) &&
			reflect.DeepEqual(got.Strings, want.Strings), "%s is %+v, %t, want %+v", want.Name, got, ok, want)
	}
	check.Equal(t, set.Len(), 3, "claims")
}

// sealed seals alice's PAC after a change of its buffers.
func sealed(change func([]forge.Buffer) []forge.Buffer) []byte {
	return forge.Seal(change(alice().Buffers()), key(18))
}

// replaceBuffer returns a change that replaces the data of the buffer of a type.
func replaceBuffer(kind uint32, change func([]byte) []byte) []byte {
	return sealed(func(all []forge.Buffer) []forge.Buffer {
		for i := range all {
			if all[i].Type == kind {
				all[i].Data = change(all[i].Data)
			}
		}
		return all
	})
}

func checkRejected(t *testing.T, rule, name string, data []byte) {
	t.Helper()
	p, err := Open(data, key(18))
	check.That(t, errors.Is(err, ErrInvalid) && p == nil, "%s: %s: %v, %v, want a refusal", rule, name, p, err)
}

// entryOf returns the offset of the table's entry for a type.
func entryOf(data []byte, kind uint32) int {
	for i := range int(binary.LittleEndian.Uint32(data)) {
		if binary.LittleEndian.Uint32(data[8+16*i:]) == kind {
			return 8 + 16*i
		}
	}
	return -1
}

// signBuffers encodes the buffers as a PAC and fills in its signatures.
func signBuffers(buffers []forge.Buffer) []byte {
	data := forge.Frame(buffers)
	if e := entryOf(data, forge.Server); e >= 0 && binary.LittleEndian.Uint32(data[e+4:]) >= 16 {
		return forge.Sign(data, key(18))
	}
	return data
}

// TestAlteredPACBufferNeverPanics truncates each buffer at every byte and alters each byte: the buffer is parsed or
// rejected, without a panic. A PAC without a required buffer is rejected (K-3, K-4, K-6, K-7, K-10).
func TestAlteredPACBufferNeverPanics(t *testing.T) {
	for _, b := range alice().Buffers() {
		for n := range b.Data {
			_, err := Open(replaceBuffer(b.Type, func(b []byte) []byte { return b[:n] }), key(18))
			if whole := b.Type != forge.Attributes; err == nil && whole && n < len(b.Data)-8 && n > 0 {
				t.Errorf("the first %d of %d bytes of the buffer of type %d are taken", n, len(b.Data), b.Type)
			}
		}
	}
	for _, kind := range []uint32{forge.LogonInfo, forge.ClientInfo} {
		checkRejected(t, "K-2", "a buffer that must be there", sealed(func(all []forge.Buffer) []forge.Buffer {
			return slices.DeleteFunc(all, func(b forge.Buffer) bool { return b.Type == kind })
		}))
	}
	set := func(at int, v ...byte) func([]byte) []byte {
		return func(b []byte) []byte { copy(b[at:], v); return b }
	}
	for name, c := range map[string]struct {
		rule   string
		kind   uint32
		change func([]byte) []byte
	}{
		"big endian":                     {"K-3", forge.LogonInfo, set(1, 0)},
		"another version of NDR":         {"K-3", forge.LogonInfo, set(0, 2)},
		"no structure":                   {"K-3", forge.LogonInfo, set(16, 0, 0, 0, 0)},
		"2^31 groups":                    {"K-4", forge.LogonInfo, set(128, 0, 0, 0, 0x80)},
		"no domain":                      {"K-4", forge.LogonInfo, set(172, 0, 0, 0, 0)},
		"a name longer than its buffer":  {"K-6", forge.ClientInfo, set(8, 12)},
		"a name shorter than its buffer": {"K-6", forge.ClientInfo, set(8, 8)},
		"a name of odd length":           {"K-6", forge.ClientInfo, func(b []byte) []byte { b[8]--; return b[:len(b)-1] }},
		"no extension": {"K-7", forge.UPN,
			func([]byte) []byte { return append(make([]byte, 8), 2, 0, 0, 0) }},
		"a UPN in the fixed part":   {"K-7", forge.UPN, set(2, 18)},
		"a UPN beyond the end":      {"K-7", forge.UPN, set(2, 0, 0xff)},
		"a UPN of odd length":       {"K-7", forge.UPN, set(0, 1)},
		"a SAM name of odd length":  {"K-7", forge.UPN, set(12, 9)},
		"another revision":          {"K-7", forge.UPN, set(16, 9)},
		"a requestor and more":      {"K-4", forge.Requestor, func(b []byte) []byte { return append(b, 0) }},
		"attributes of one bit":     {"K-4", forge.Attributes, set(0, 1)},
		"a device without a domain": {"K-4", forge.DeviceInfo, set(28, 0, 0, 0, 0)},
		"attributes of 33 bits":     {"K-4", forge.Attributes, set(0, 33)},
		"attributes of 2^32-1 bits": {"K-4", forge.Attributes, set(0, 255, 255, 255, 255)},
	} {
		checkRejected(t, c.rule, name, replaceBuffer(c.kind, c.change))
	}
	check.NoError(t, check.Err(Open(replaceBuffer(forge.Attributes, set(0, 32)), key(18))))
	p, err := Open(replaceBuffer(forge.UPN, func([]byte) []byte { return make([]byte, 12) }), key(18))
	check.That(t, err == nil && *p.UPN == UPNInfo{}, "K-7: two empty names: %v, want names that are empty", err)
}

func FuzzRead(f *testing.F) {
	f.Add(forge.Frame(alice().Buffers()))
	f.Add(forge.Seal(alice().Buffers(), key(23)))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b)+maxClaimsSize, func() {
			s, err := split(b)
			if err != nil {
				return
			}
			p, err := s.read()
			check.That(t, (p == nil) != (err == nil), "%v with %v", p, err)
			_ = s.verify(key(18))
		})
	})
}
