package batch_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestChoose: of the two rights of control the question asks the one that is granted, the
// first one where neither is (B-2).
func TestChoose(t *testing.T) {
	tok, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"]}`))
	if err != nil {
		t.Fatal(err)
	}
	queries := []words.Query{{Desired: winnt.WRITE_DAC}, {Desired: winnt.WRITE_OWNER}}
	for dacl, want := range map[string]winnt.AccessMask{
		"(A;;WD;;;WD)": winnt.WRITE_DAC, "(A;;WO;;;WD)": winnt.WRITE_OWNER, "(A;;WDWO;;;WD)": winnt.WRITE_DAC,
		"(A;;FR;;;WD)": winnt.WRITE_DAC,
	} {
		d, err := sddl.Parse("O:SYG:SYD:"+dacl, sddl.Options{})
		if err != nil {
			t.Fatal(err)
		}
		q := &batch.Question{Request: access.Request{
			Descriptor: d, Subject: access.SubjectOf(tok), Type: winnt.FileObject,
		}}
		if err := q.Choose(queries); err != nil || q.Request.Desired != want {
			t.Errorf("%s: asks %v, %v, want %v", dacl, q.Request.Desired, err, want)
		}
	}
}
