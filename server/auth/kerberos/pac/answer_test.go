package pac

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// parsedPAC returns alice's PAC, parsed and as bytes. It has no delegation and few details of the device.
func parsedPAC(t testing.TB) (*PAC, []byte) {
	t.Helper()
	w := alice()
	w.DomainName = "EXAMPLE \U0001F600" // two units of UTF-16
	w.Delegated, w.DeviceClaims, w.Device.Extra, w.Device.Others = nil, nil, nil, nil
	data := forge.Seal(w.Buffers(), key(18))
	got := check.Must(Parse(data))
	return got, data
}

// TestParserReplyMustMatchSignedPAC checks that a correct reply returns the parsed PAC, and that each reply that
// contradicts the signed bytes is rejected (K-90).
func TestParserReplyMustMatchSignedPAC(t *testing.T) {
	want, data := parsedPAC(t)
	text := check.Must(want.MarshalAnswer())
	got, err := ReadAnswer(text, data)
	check.That(t, err == nil && reflect.DeepEqual(got, want), "K-90: %+v, %v, want %+v", got, err, want)
	other := sid.MustParse("S-1-5-21-1-1-1")
	for name, lie := range map[string]func(p *PAC){
		"user":            func(p *PAC) { p.Logon.UserID = 500 },
		"user as a group": func(p *PAC) { p.Logon.UserID = 2001 },
		"primary group":   func(p *PAC) { p.Logon.PrimaryGroupID = 512 },
		"flags":           func(p *PAC) { p.Logon.UserFlags ^= FlagExtraSIDs },
		"domain":          func(p *PAC) { p.Logon.DomainID = other },
		"no domain":       func(p *PAC) { p.Logon.DomainID = sid.SID{} },
		"group":           func(p *PAC) { p.Logon.Groups[1].RID = 512 },
		"attributes":      func(p *PAC) { p.Logon.Groups[1].Attributes = 15 },
		"further group":   func(p *PAC) { p.Logon.Groups = append(p.Logon.Groups, p.Logon.Groups[0]) },
		"missing group":   func(p *PAC) { p.Logon.Groups = p.Logon.Groups[:1] },
		"extra SID":       func(p *PAC) { p.Logon.ExtraSIDs[0].SID = sid.Administrators },
		"number of extra SIDs": func(p *PAC) {
			p.Logon.ExtraSIDs = append(p.Logon.ExtraSIDs, p.Logon.ExtraSIDs[0])
		},
		"missing extra SID":       func(p *PAC) { p.Logon.ExtraSIDs = p.Logon.ExtraSIDs[1:] },
		"missing resource groups": func(p *PAC) { p.Logon.ResourceGroups = nil },
		"resource group":          func(p *PAC) { p.Logon.ResourceGroups[0].RID = 512 },
		"resource domain":         func(p *PAC) { p.Logon.ResourceDomain = other },
		"account name":            func(p *PAC) { p.Logon.EffectiveName = "Administrator" },
		"domain name":             func(p *PAC) { p.Logon.LogonDomainName = "OTHER" },
		"hidden claims":           func(p *PAC) { p.ClientClaims, p.HasClientClaims = nil, false },
		"hidden device":           func(p *PAC) { p.Device = nil },
		"device group":            func(p *PAC) { p.Device.Groups[0].RID = 512 },
		"number of device SIDs": func(p *PAC) {
			p.Device.ExtraSIDs = slices.Repeat([]token.Group{{SID: p.Device.DomainID}}, 1<<12)
		},
		"number of device domains": func(p *PAC) {
			p.Device.DomainGroups = slices.Repeat([]DomainGroups{{Domain: p.Device.DomainID}}, 1<<12)
		},
		"device domain": func(p *PAC) { p.Device.DomainID = other },
		"further domain of the device": func(p *PAC) {
			p.Device.DomainGroups = []DomainGroups{{Domain: other}}
		},
		"further group of the device": func(p *PAC) {
			p.Device.DomainGroups = []DomainGroups{{Domain: p.Device.DomainID, Groups: []Membership{{RID: 512}}}}
		},
		"delegation":   func(p *PAC) { p.Delegation = &Delegation{Target: "x"} },
		"hidden names": func(p *PAC) { p.UPN = nil },
	} {
		p, _ := parsedPAC(t)
		lie(p)
		_, data := parsedPAC(t)
		text := check.Must(p.MarshalAnswer())
		check.ErrorIs(t, check.Err(ReadAnswer(text, data)), ErrInvalid, "K-90: another %s", name)
	}
	w := alice()
	w.Claims, w.DeviceClaims, w.ResourceDomain, w.Resources = nil, nil, sid.SID{}, nil
	without := forge.Seal(w.Buffers(), key(18))
	for what, c := range map[string]struct {
		client, device *claims.Set
		want           error
	}{"claims": {want.ClientClaims, nil, ErrInvalid}, "claims of the device": {nil, want.ClientClaims, ErrInvalid},
		"no claims and no resource groups": {nil, nil, nil}} {
		p := check.Must(Parse(without))
		p.ClientClaims, p.DeviceClaims = c.client, c.device
		text := check.Must(p.MarshalAnswer())
		check.ErrorIs(t, check.Err(ReadAnswer(text, without)), c.want, "K-90: a PAC without claims, an answer with %s", what)
	}
	for _, text := range []string{"", "{}", "null", `{"Logon":{"UserID":1104}}`, `{"x":1}`, "[", "\x00",
		string(text) + "x", strings.Repeat(" ", maxAnswer) + string(text),
		strings.Replace(string(text), `"it"`, `"sales"`, 1)} {
		check.ErrorIs(t, check.Err(ReadAnswer([]byte(text), data)), ErrInvalid, "%.300q", text)
	}
	for _, c := range []struct {
		kind   uint32
		change func(b []byte) []byte // nil: there is no such buffer
		why    string
	}{{forge.LogonInfo, nil, "no logon information"}, {forge.ClientInfo, nil, "no logon information"},
		{forge.LogonInfo, func(b []byte) []byte { return b[:atFlags+3] }, "no logon information"},
		{forge.ClientInfo, func(b []byte) []byte { return b[:9] }, "client information"},
		{forge.Requestor, func(b []byte) []byte { return append(b, 0) }, "are not a SID"}} {
		var buffers []forge.Buffer
		for _, b := range forge.Split(data) {
			if b.Type == c.kind && c.change != nil {
				b.Data = c.change(b.Data)
			}
			if b.Type != c.kind || c.change != nil {
				buffers = append(buffers, b)
			}
		}
		_, err := ReadAnswer(text, forge.Frame(buffers))
		check.That(t, errors.Is(err, ErrInvalid) && strings.Contains(err.Error(), c.why),
			"K-90: an altered buffer of type %d: %v, want %q", c.kind, err, c.why)
	}
	_, err = ReadAnswer(text, data[:16])
	check.That(t, errors.Is(err, ErrInvalid), "a short PAC: %v", err)
}

// TestParserReplyMayHaveEmptyClaims checks that a PAC with an empty claims buffer is confirmed, without claims (K-90).
func TestParserReplyMayHaveEmptyClaims(t *testing.T) {
	for _, kind := range []uint32{0, forge.ClientClaims, forge.DeviceClaims} { // 0: no buffer is empty
		data := replaceBuffer(kind, func([]byte) []byte { return nil })
		p := check.Must(Parse(data))
		text := check.Must(p.MarshalAnswer())
		got := check.Must(ReadAnswer(text, data))
		check.DeepEqual(t, got, p, "K-90: the answer with an empty buffer of type %d", kind)
		check.That(t, (got.ClientClaims == nil) == (kind == forge.ClientClaims) &&
			(got.DeviceClaims == nil) == (kind == forge.DeviceClaims),
			"K-90: empty buffer of type %d: claims %v and %v", kind, got.ClientClaims, got.DeviceClaims)
	}
}

// TestParserReplyHasAtMost1024Claims checks both sides of the limit of claims, for the client's and the device's.
func TestParserReplyHasAtMost1024Claims(t *testing.T) {
	data := forge.Seal(alice().Buffers(), key(18))
	for n, want := range map[int]error{1024: nil, 1025: ErrInvalid} {
		var all []claims.Attribute
		for i := range n {
			all = append(all, claims.Attribute{Name: fmt.Sprint("c", i), Type: claims.Int64, Ints: []int64{7}})
		}
		for i := range 2 {
			p := check.Must(Parse(data))
			*[]**claims.Set{&p.ClientClaims, &p.DeviceClaims}[i] = check.Must(claims.NewSet(all))
			text := check.Must(p.MarshalAnswer())
			check.ErrorIs(t, check.Err(ReadAnswer(text, data)), want, "%d claims", n)
		}
	}
}

// FuzzReadAnswer checks that no answer and no PAC makes the reader panic, and that an accepted answer has the account
// of the signed bytes (K-90).
func FuzzReadAnswer(f *testing.F) {
	p, data := parsedPAC(f)
	text := check.Must(p.MarshalAnswer())
	f.Add(text, data)
	f.Add([]byte("{}"), data)
	f.Fuzz(func(t *testing.T, text, data []byte) {
		got, err := ReadAnswer(text, data)
		if err != nil {
			return
		}
		if _, err := got.MarshalAnswer(); err != nil {
			t.Error(err)
		}
	})
}
