package stages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// events returns some events that a log can begin with.
func events(n int) (out []index.Event) {
	out = append(out, index.Event{Seq: 1, Start: &index.StartEvent{Format: 1, Index: "x", Rights: []string{"read"}}})
	for i := range n {
		out = append(out, index.Event{Seq: uint64(i + 2), Person: &index.PersonEvent{Number: i,
			SID: fmt.Sprintf("S-1-5-21-1-2-3-%d", 1000+i), Name: fmt.Sprint("p", i)}})
	}
	return out
}

// TestLateWorkerWritesNoRecords checks that a worker that resumes after losing its share writes no record and no
// watermark, and that the records of both workers from before are kept (N-49).
func TestLateWorkerWritesNoRecords(t *testing.T) {
	h := newOpenSite(t, 1)
	c := h.dial(site.Work)
	first := check.Must(take(t.Context(), c, site.StreamPeople, "people.0", "w1"))
	list := events(3)
	check.NoError(t, first.write(t.Context(), first.last, list[:2]))
	second := check.Must(take(t.Context(), h.dial(site.Work), site.StreamPeople, "people.0", "w2"))
	check.ErrorIs(t, first.publishWatermark(t.Context(), 1, &heartbeat{Time: 1}, ""), errTakenOver,
		"the late worker vouches")
	check.ErrorIs(t, first.write(t.Context(), first.last, list[2:]), errTakenOver, "the late worker")
	if err := second.write(t.Context(), second.last, list[2:]); err != nil {
		t.Error(err)
	}
	for range batchMessages { // more than a reader gets at once
		check.NoError(t, second.write(t.Context(), second.last, nil))
	}
	third := check.Must(take(t.Context(), c, site.StreamPeople, "people.0", "w3"))
	r := newRecords(c, site.StreamPeople, "people.0")
	r.loading = true
	check.ErrorIs(t, r.all(t.Context(), func() {}, func(*record) error { return nil }), errRecord,
		"a record before a complete snapshot")
	check.That(t, third.last.Generation == 3 && third.state.Apply(&index.Event{Seq: 5, Directory: "v"}) == nil,
		"generation %d of a log of four events", third.last.Generation)
}

// TestLostAcknowledgementStoresOnce checks that a message with a lost acknowledgement is stored
// once, whether or not the server still knows its id, and that the next one follows it (N-50).
func TestLostAcknowledgementStoresOnce(t *testing.T) {
	h := newOpenSite(t, 1)
	c := h.dial(site.Work)
	w := &chain{c: c, stream: site.StreamPeople, subject: "people.1", rival: func(*message) bool { return false }}
	check.NoError(t, w.append(t.Context(), "one", []byte("1"), false))
	lost := &site.Signed{Subject: w.subject, ID: "two", After: w.head, Body: []byte("2")}
	seq := check.Must(c.publish(t.Context(), lost, &w.last))
	again := *w
	if err := w.append(t.Context(), "two", []byte("2"), false); err != nil || w.head != seq {
		t.Errorf("a repeated append is at sequence %d, the head at %d, error %v, want head %d, nil",
			seq, w.head, err, seq)
	}
	if done, err := again.diagnose(t.Context(), lost); !done || err != nil || again.head != seq {
		t.Errorf("the server has forgotten its id: %v at %d: %v, want true, %d, nil", done, again.head, err, seq)
	}
	check.NoError(t, w.append(t.Context(), "three", []byte("3"), false))
	late := &chain{c: c, stream: w.stream, subject: w.subject, rival: func(*message) bool { return true }}
	check.ErrorIs(t, late.append(t.Context(), "late", nil, true), errTakenOver, "a writer that found no message")
	var got string
	r := follower{c: c, stream: w.stream, subject: w.subject}
	_, err := r.read(t.Context(), func(m *message) error {
		got += string(m.Body)
		return nil
	})
	check.That(t, got == "123" && err == nil && r.refused == 0,
		`%q, %d refused, %v, want "123", 0, nil`, got, r.refused, err)
	r, got = follower{c: c, stream: w.stream, subject: w.subject}, ""
	for range 2 { // a message that fails is read again
		_, err = r.read(t.Context(), func(m *message) error {
			got += string(m.Body)
			return errSink
		})
		check.ErrorIs(t, err, errSink, "a failed message")
	}
	check.Equal(t, got, "11", "messages of two failed attempts")
}

// TestTemporaryServerErrorsAreRetried checks that temporary rejections by servers end no stage: a copy of the message
// under way between three servers, no leader, no space. The message is sent again with the same id (N-50).
func TestTemporaryServerErrorsAreRetried(t *testing.T) {
	h := newOpenSite(t, 1)
	c := h.dial(site.Work)
	answers := []string{`{"error":{"code":409,"err_code":10158,"description":"duplicate message id is in process"}}`,
		`{"error":{"code":503,"err_code":10008,"description":"system temporarily unavailable"}}`,
		`{"error":{"code":400,"err_code":10002,"description":"resource limits exceeded for account"}}`}
	for _, how := range []string{"keep", "append"} {
		var ids []string
		woken := check.Must(c.nc.SubscribeSync("wake.odd." + how))
		sub, err := c.nc.Subscribe("odd."+how, func(m *nats.Msg) {
			ids = append(ids, m.Header.Get(nats.MsgIdHdr))
			answer := `{"stream":"ODD","seq":7}`
			if len(ids) <= len(answers) {
				answer = answers[len(ids)-1]
			}
			_ = m.Respond([]byte(answer))
		})
		check.NoError(t, err)
		if how == "keep" {
			err = c.keep(t.Context(), "odd.keep", "one", nil)
		} else {
			answers = append(answers, `{"error":{"code":400,"err_code":10077,"description":"maximum messages exceeded"}}`)
			w := &chain{c: c, stream: "ODD", subject: "odd.append", rival: func(*message) bool { return true }}
			err = w.append(t.Context(), "one", nil, false)
		}
		err = errors.Join(err, sub.Unsubscribe())
		check.That(t, err == nil && slices.Equal(ids, slices.Repeat([]string{"one"}, len(answers)+1)),
			"%s: sent as %q: %v", how, ids, err)
		check.NoError(t, check.Err(woken.NextMsg(time.Minute))) // after the message is stored
	}
}

// TestOversizedMessageIsNotRetried checks that a message above the limit of the servers, and one that they reject for
// good, is not sent again (N-50).
func TestOversizedMessageIsNotRetried(t *testing.T) {
	c := newOpenSite(t, 1).dial(site.Work)
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	err := c.keep(ctx, "odd.keep", "one", make([]byte, c.nc.MaxPayload()+1))
	check.That(t, errors.Is(err, nats.ErrMaxPayload) && ctx.Err() == nil,
		"keep: %v, want %v at once", err, nats.ErrMaxPayload)
	_, err = c.nc.Subscribe("odd.keep", func(m *nats.Msg) {
		_ = m.Respond([]byte(`{"error":{"code":400,"err_code":10052,"description":"invalid"}}`))
	})
	check.NoError(t, err)
	err = c.keep(ctx, "odd.keep", "two", nil)
	check.That(t, err != nil && ctx.Err() == nil, "keep of a rejected message: %v, want an error at once", err)
}

// TestLogSkipsForgedMessages checks that readers and writers of a log skip invalid messages: garbage,
// another role's message, a copy of an earlier one, one with headers that only a server may set,
// and a server's reply to a client's reply subject (N-43).
func TestLogSkipsForgedMessages(t *testing.T) {
	h := newOpenSite(t, 1)
	c := h.dial(site.Work)
	l := check.Must(take(t.Context(), c, site.StreamPeople, "people.0", "w1"))
	list := events(2)
	check.NoError(t, l.write(t.Context(), l.last, list[:1]))
	put := func(m *nats.Msg) {
		t.Helper()
		m.Subject = "people.0"
		check.NoError(t, check.Err(c.js.PublishMsg(t.Context(), m)))
	}
	copied, err := c.signed(&site.Signed{Subject: "people.0", ID: "x", Body: []byte(`{"generation":9,"worker":"w"}`)})
	check.NoError(t, err)
	other, err := h.dial(site.Watch("b")).signed(&site.Signed{Subject: "people.0", ID: "y", After: l.chain.head,
		Body: []byte(`{"generation":9,"worker":"w"}`)})
	check.NoError(t, err)
	foreign := nats.NewMsg("")
	foreign.Header = nats.Header{"Nats-Sequence": {"99999"}, "Nats-Subject": {"people.0"}, "Status": {"204"},
		"Nats-Last-Sequence": {"7"}}
	other.Header.Set(nats.MsgIdHdr, "y")
	for _, m := range []*nats.Msg{nats.NewMsg(""), copied, foreign, other} {
		put(m)
	}
	check.NoError(t, l.checkOwner(t.Context()))
	if done, err := l.chain.diagnose(t.Context(), &site.Signed{ID: "y"}); done || err != nil {
		t.Errorf("another role's message counts: done %t, %v", done, err)
	}
	// The server sends the reply to the subject that the request names, whatever the client may publish.
	check.NoError(t, c.nc.PublishRequest("$JS.API.DIRECT.GET.PEOPLE.people.0", "people.0", nil))
	check.NoError(t, c.nc.Flush())
	check.NoError(t, l.write(t.Context(), l.last, list[1:]))
	next := check.Must(take(t.Context(), c, site.StreamPeople, "people.0", "w2"))
	check.That(t, next.records.follower.refused >= 4 && next.last.Generation == 2,
		"%d refused, generation %d, want at least 4, 2", next.records.follower.refused, next.last.Generation)
	check.That(t, next.state.Apply(&index.Event{Seq: 3, Directory: "v"}) != nil, "an event is missing from the log")
}

// TestOnlyLastRecordAdvancesCursor checks that too many events for one message are written as several, and that
// only the last one advances the cursor.
func TestOnlyLastRecordAdvancesCursor(t *testing.T) {
	h := newOpenSite(t, 1)
	c := h.dial(site.Work)
	l, err := take(t.Context(), c, site.StreamPeople, "people.0", "w1")
	check.NoError(t, err)
	next := l.last
	next.Cursor = 77
	check.NoError(t, l.write(t.Context(), next, events(30_000)))
	var cursors []uint64
	r := follower{c: c, stream: site.StreamPeople, subject: "people.0"}
	_, err = r.read(t.Context(), func(m *message) error {
		x, err := parseRecord(m.Body)
		if err == nil {
			cursors = append(cursors, x.Cursor)
		}
		return err
	})
	check.That(t, err == nil && len(cursors) >= 3 && cursors[len(cursors)-2] == 0 && cursors[len(cursors)-1] == 77,
		"cursors %v: %v", cursors, err)
}

// TestRecreatedStreamContinuesNoLog checks that a reader rejects a recreated stream whose new messages reach beyond the
// last one that it read, although the next one names that sequence (N-49).
func TestRecreatedStreamContinuesNoLog(t *testing.T) {
	h := newOpenSite(t, 1)
	k := h.dial(site.Keeper)
	r := follower{c: h.dial(site.Work), stream: site.StreamPeople, subject: "people.0"}
	var read []string
	next := func(m *message) error {
		read = append(read, m.ID)
		return nil
	}
	for seq, id := range []string{"old1", "old2"} {
		h.send(site.Work, r.subject, id, uint64(seq), nil)
	}
	check.NoError(t, check.Err(r.read(t.Context(), next)))
	check.NoError(t, k.js.DeleteStream(t.Context(), r.stream))
	check.NoError(t, Prepare(t.Context(), k))
	for seq, id := range []string{"new1", "new2", "new3"} {
		h.send(site.Work, r.subject, id, uint64(seq), nil)
	}
	_, err := r.read(t.Context(), next)
	check.That(t, errors.Is(err, errLost) && slices.Equal(read, []string{"old1", "old2"}),
		"N-49: %q, %v, want old1 and old2, %v", read, err, errLost)
}
