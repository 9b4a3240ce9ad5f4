package token_test

import (
	"maps"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/token"
)

// TestFilesOfAnything: a token file reads back to the same token in every part, whatever was done to it, and is written
// the same again.
func TestFilesOfAnything(t *testing.T) {
	d := draws{newRand(t)}
	for range randtest.Count(t, "REFMON_TOKENS", 500) {
		tok := must(t, d.spec(t))
		m := model{Spec: tok.Spec()}
		for range d.IntN(4) {
			if s := d.step(tok, &m); s.after != nil {
				tok = s.after
			}
		}
		file, err := tok.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		back, err := token.Parse(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if got, want := said(back.Spec()), said(tok.Spec()); !maps.Equal(got, want) {
			t.Fatalf("%s: %v", file, differences(got, want))
		}
		if again, err := back.MarshalJSON(); err != nil || string(again) != string(file) {
			t.Fatalf("written as %s, was %s, %v", again, file, err)
		}
	}
}
