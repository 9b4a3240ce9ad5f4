package batch_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// An answer with its reasons is written without a second decision, so that the callback of the only entry runs once.
// The note of a missing DACL precedes another one.
func TestExplanationNeedsNoSecondDecision(t *testing.T) {
	tok := check.Must(token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"]}`)))
	opaque, err := sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: []byte("opaque data!")})
	check.NoError(t, err)
	list := check.Must(sd.NewACL(opaque))
	calls := 0
	q := &accessquery.Query{Explain: true, Request: access.Request{Descriptor: sd.New(sd.Parts{DACL: list}),
		Subject: access.SubjectOf(tok), Desired: 1, Type: winnt.FileObject,
		Options: access.Options{Callback: func(sd.ACE, *token.Token) claims.Truth { calls++; return claims.True }}}}
	a, err := q.Ask()
	check.RequireThat(t, err == nil && a.Allowed(), "decision %v, %v, want allowed", a.Decision, err)
	line, err := batch.AppendAnswer(nil, nil, q, &a)
	check.That(t, err == nil && calls == 1, "the callback ran %d times for %s (%v), want 1, nil", calls, line, err)
	q.Request.Descriptor, q.Note = sd.New(sd.Parts{}), "another note"
	line, err = batch.AppendAnswer(nil, nil, q, &a)
	check.That(t, err == nil && strings.Contains(string(line), `"note":"`+accessquery.NoDACL+`; another note"`), "%s, %v",
		line, err)
}
