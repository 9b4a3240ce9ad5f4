package stages

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestMalformedReplyIsRejected checks that a message with a malformed position is not signed, and that a batch with a
// gap is an error.
func TestMalformedReplyIsRejected(t *testing.T) {
	c := newOpenSite(t, 1).dial(site.Work)
	answer := func(sequence, before string) *nats.Msg {
		t.Helper()
		m := check.Must(c.signed(&site.Signed{Subject: "people.0"}))
		for name, value := range map[string]string{"Nats-Sequence": sequence, "Nats-Last-Sequence": before,
			"Nats-Time-Stamp": "2026-11-26T12:00:00Z", "Nats-Subject": "people.0"} {
			m.Header.Set(name, value)
		}
		return m
	}
	m := answer("5", "0")
	x, err := c.read(m)
	check.That(t, err == nil && x.signed == nil, "%v, %v", x.signed, err)
	m.Header.Set(afterHeader, "none")
	x, err = c.read(m)
	check.That(t, err == nil && x.signed != nil, "a malformed position is signed: %v", err)
	none := &nats.Msg{Header: nats.Header{"Status": {"404"}}}
	check.NoError(t, check.Err(c.one(none, "odd")))
	none.Header.Set("Status", "503")
	check.That(t, check.Err(c.one(none, "odd")) != nil, "an error of the servers counts as no message")
	for _, x := range []struct{ before, end, why string }{{"5", "204", ""}, {"6", "204", errCut.Error()},
		{"5", "408", "status 408"}} { // a server that stops within its answer
		sub, err := c.nc.Subscribe("$JS.API.DIRECT.GET.ODD", func(m *nats.Msg) {
			for _, a := range []*nats.Msg{answer("5", "0"), answer("7", x.before), {Header: nats.Header{"Status": {x.end}}}} {
				a.Subject = m.Reply
				_ = c.nc.PublishMsg(a)
			}
		})
		check.NoError(t, err)
		list, err := c.get(t.Context(), "ODD", question{Batch: 2})
		if x.why == "" {
			check.That(t, err == nil && len(list) == 2, "%+v: %d messages, %v", x, len(list), err)
		} else {
			check.That(t, err != nil && strings.Contains(err.Error(), x.why) && list == nil &&
				errors.Is(err, errCut) == (x.before == "6"), "%+v: %v, %v", x, list, err)
		}
		check.NoError(t, sub.Unsubscribe())
	}
}
