package access

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
	"testing"
)

func zz(t testing.TB) (*token.Token, *sd.Descriptor) {
	dom := sid.MustParse("S-1-5-21-1-2-3")
	s := token.Spec{User: token.Group{SID: dom.WithRID(1001)}, Type: 2, Level: 2, Integrity: sid.MediumLevel, MandatoryPolicy: 1}
	for i := uint32(0); i < 19; i++ {
		s.Groups = append(s.Groups, token.Group{SID: dom.WithRID(5000 + i), Attributes: 7})
	}
	tok, err := token.New(s)
	if err != nil {
		t.Fatal(err)
	}
	var aces []sd.ACE
	for i := uint32(0); i < 10; i++ {
		w := dom.WithRID(900000 + i)
		if i == 9 {
			w = dom.WithRID(5018)
		}
		a, _ := sd.NewACE(0, 0, 0x1f01ff, w)
		aces = append(aces, a)
	}
	l, _ := sd.NewACL(aces...)
	return tok, sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l})
}

var sink winnt.AccessMask

func BenchmarkZRun(b *testing.B) {
	tok, d := zz(b)
	q := query{who: &identity{token: tok}, mapping: &winnt.FileObject.Mapping, r: &noExtras}
	q.dacl.set(d.DACL())
	for b.Loop() {
		w := walk{q: &q, entries: q.dacl.entries, sids: tok.SIDs(), undecided: 1, stop: true}
		w.run()
		sink = w.granted
	}
}
func BenchmarkZNarrow(b *testing.B) {
	tok, d := zz(b)
	q := query{who: &identity{token: tok}, mapping: &winnt.FileObject.Mapping, r: &noExtras}
	q.dacl.set(d.DACL())
	for b.Loop() {
		q.held = 1
		q.narrow(userPass, everyBit)
	}
}
func BenchmarkZDecide(b *testing.B) {
	tok, d := zz(b)
	q := query{who: &identity{token: tok}, mapping: &winnt.FileObject.Mapping, r: &noExtras, desired: 1}
	var dd Decision
	q.dacl.set(d.DACL())
	for b.Loop() {
		dd = q.decide()
	}
	sink = dd.Granted
}
func BenchmarkZCheck(b *testing.B) {
	tok, d := zz(b)
	var dd Decision
	for b.Loop() {
		dd, _ = Check(tok, d, 1, winnt.FileObject)
	}
	sink = dd.Granted
}
