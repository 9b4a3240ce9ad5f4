package pac

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// answered returns a PAC of forge with every kind of buffer, parsed, with its bytes.
func answered(t testing.TB) (*PAC, []byte) {
	t.Helper()
	home := sid.MustParse("S-1-5-21-10-20-30")
	p := forge.PAC{Domain: home, User: 1104, Primary: 513, Name: "alice", DomainName: "EXAMPLE",
		AuthTime: time.Unix(1_800_000_000, 0), Groups: []forge.Group{{RID: 513, Attributes: 7}, {RID: 2001, Attributes: 7}},
		Extra: []token.Group{{SID: sid.MustParse("S-1-18-1"), Attributes: 7}}, Requestor: home.WithRID(1104),
		ResourceDomain: home, Resources: []forge.Group{{RID: 5000, Attributes: 7}}, WithAttributes: true, UPN: "a@x",
		DNSDomain: "X", Claims: []claims.Attribute{{Name: "c", Type: claims.Int64, Ints: []int64{7}}},
		Device: &forge.Device{Domain: home, User: 1200, Primary: 515, Groups: []forge.Group{{RID: 515, Attributes: 7}}}}
	data := forge.Seal(p.Buffers(), forge.NewKey(18))
	got, err := Parse(data)
	check.NoError(t, err)
	return got, data
}

// TestParserReplyMustMatchSignedPAC checks that a true answer gives the parsed PAC, and that every answer that the
// signed bytes contradict is refused (K-90).
func TestParserReplyMustMatchSignedPAC(t *testing.T) {
	want, data := answered(t)
	text, err := want.MarshalAnswer()
	check.NoError(t, err)
	if got, err := ReadAnswer(text, data); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("K-90: %+v, %v, want %+v", got, err, want)
	}
	other := sid.MustParse("S-1-5-21-1-1-1")
	for name, lie := range map[string]func(p *PAC){
		"user":                func(p *PAC) { p.Logon.UserID = 500 },
		"user as a group":     func(p *PAC) { p.Logon.UserID = 2001 },
		"primary group":       func(p *PAC) { p.Logon.PrimaryGroupID = 512 },
		"flags":               func(p *PAC) { p.Logon.UserFlags ^= FlagExtraSIDs },
		"domain":              func(p *PAC) { p.Logon.DomainID = other },
		"no domain":           func(p *PAC) { p.Logon.DomainID = sid.SID{} },
		"group":               func(p *PAC) { p.Logon.Groups[1].RID = 512 },
		"attributes":          func(p *PAC) { p.Logon.Groups[1].Attributes = 15 },
		"further group":       func(p *PAC) { p.Logon.Groups = append(p.Logon.Groups, p.Logon.Groups[0]) },
		"missing group":       func(p *PAC) { p.Logon.Groups = p.Logon.Groups[:1] },
		"extra SID":           func(p *PAC) { p.Logon.ExtraSIDs[0].SID = sid.Administrators },
		"resource group":      func(p *PAC) { p.Logon.ResourceGroups[0].RID = 512 },
		"resource domain":     func(p *PAC) { p.Logon.ResourceDomain = other },
		"account name":        func(p *PAC) { p.Logon.EffectiveName = "Administrator" },
		"domain name":         func(p *PAC) { p.Logon.LogonDomainName = "OTHER" },
		"hidden claims":       func(p *PAC) { p.ClientClaims, p.HasClientClaims = nil, false },
		"claims of no buffer": func(p *PAC) { p.DeviceClaims = p.ClientClaims },
		"hidden device":       func(p *PAC) { p.Device = nil },
		"device group":        func(p *PAC) { p.Device.Groups[0].RID = 512 },
		"device domain":       func(p *PAC) { p.Device.DomainID = other },
		"delegation":          func(p *PAC) { p.Delegation = &Delegation{Target: "x"} },
		"hidden names":        func(p *PAC) { p.UPN = nil },
	} {
		p, _ := answered(t)
		lie(p)
		_, data := answered(t)
		text, err := p.MarshalAnswer()
		check.NoError(t, err)
		check.ErrorIs(t, check.Err(ReadAnswer(text, data)), ErrInvalid, "K-90: another %s", name)
	}
	w := alice()
	w.Claims = nil
	noClaims := forge.Seal(w.Buffers(), key(18))
	p, err := Parse(noClaims)
	check.NoError(t, err)
	p.ClientClaims = want.ClientClaims
	lie, err := p.MarshalAnswer()
	check.NoError(t, err)
	check.ErrorIs(t, check.Err(ReadAnswer(lie, noClaims)), ErrInvalid, "K-90: claims of a PAC without them")
	for _, text := range []string{"", "{}", "null", `{"Logon":{"UserID":1104}}`, `{"x":1}`, "[", "\x00"} {
		check.ErrorIs(t, check.Err(ReadAnswer([]byte(text), data)), ErrInvalid, "%q", text)
	}
	if _, err := ReadAnswer(text, data[:16]); !errors.Is(err, ErrInvalid) {
		t.Errorf("a short PAC: %v", err)
	}
}

// TestParserReplyMayHaveEmptyClaims checks that a PAC with an empty claims buffer is confirmed, without claims (K-90).
func TestParserReplyMayHaveEmptyClaims(t *testing.T) {
	for _, kind := range []uint32{forge.ClientClaims, forge.DeviceClaims} {
		data := with(kind, func([]byte) []byte { return nil })
		p, err := Parse(data)
		check.NoError(t, err)
		text, err := p.MarshalAnswer()
		check.NoError(t, err)
		got, err := ReadAnswer(text, data)
		check.NoError(t, err)
		check.That(t, (got.ClientClaims == nil) == (kind == forge.ClientClaims), "K-90: empty buffer of type %d: claims %v",
			kind, got.ClientClaims)
		check.That(t, (got.DeviceClaims == nil) == (kind == forge.DeviceClaims),
			"K-90: empty buffer of type %d: device claims %v", kind, got.DeviceClaims)
	}
}

// TestParserReplyHasAtMost1024Claims checks both sides of the limit of claims.
func TestParserReplyHasAtMost1024Claims(t *testing.T) {
	p, data := answered(t)
	for n, want := range map[int]error{1024: nil, 1025: ErrInvalid} {
		var all []claims.Attribute
		for i := range n {
			all = append(all, claims.Attribute{Name: fmt.Sprint("c", i), Type: claims.Int64, Ints: []int64{7}})
		}
		p.ClientClaims = check.Must(claims.NewSet(all))
		text, err := p.MarshalAnswer()
		check.NoError(t, err)
		check.ErrorIs(t, check.Err(ReadAnswer(text, data)), want, "%d claims", n)
	}
}

// FuzzReadAnswer checks that no answer and no PAC makes the reader panic, and that what it accepts says the account of
// the bytes (K-90).
func FuzzReadAnswer(f *testing.F) {
	p, data := answered(f)
	text, err := p.MarshalAnswer()
	check.NoError(f, err)
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
