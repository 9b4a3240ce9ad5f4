package broker_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/broker"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/index/cluster/stages"
)

// brokerSite is a NATS server with the streams of a site of two hosts.
type brokerSite struct {
	t      *testing.T
	site   *site.Site
	seeds  map[site.Role]string
	broker nats.InProcessConnProvider
	keeper jetstream.JetStream
}

func newBrokerSite(t *testing.T, trees map[string][]string) *brokerSite {
	t.Helper()
	s, seeds, err := site.New(site.Site{Rights: "read", Hosts: trees, Parts: 2, Deciders: 2})
	check.NoError(t, err)
	b, err := broker.Start(s, broker.Options{Store: t.TempDir()})
	check.NoError(t, err)
	t.Cleanup(b.Close)
	return prepared(t, &brokerSite{t: t, site: s, seeds: seeds, broker: b})
}

// newExternalSite returns a site on an external NATS server that includes the site's account.
func newExternalSite(t *testing.T, trees map[string][]string) *brokerSite {
	t.Helper()
	s, seeds, err := site.New(site.Site{Rights: "read", Hosts: trees, Parts: 2, Deciders: 2,
		Servers: []string{"nats://127.0.0.1:4222"}})
	check.NoError(t, err)
	dir := t.TempDir()
	check.NoError(t, os.WriteFile(filepath.Join(dir, site.AccountName), s.Accounts(), 0o600))
	file := filepath.Join(dir, "server.conf")
	text := fmt.Sprintf("listen: 127.0.0.1:-1\njetstream {store_dir: %q}\ninclude nats.conf\n", t.TempDir())
	check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	o, err := server.ProcessConfigFile(file)
	check.NoError(t, err)
	o.NoSigs = true
	n, err := server.NewServer(o)
	check.NoError(t, err)
	n.Start()
	t.Cleanup(func() {
		n.Shutdown()
		n.WaitForShutdown()
	})
	check.RequireThat(t, n.ReadyForConnections(time.Minute), "the NATS server is not ready")
	return prepared(t, &brokerSite{t: t, site: s, seeds: seeds, broker: n})
}

// prepared creates the streams of a site.
func prepared(t *testing.T, h *brokerSite) *brokerSite {
	t.Helper()
	check.NoError(t, stages.Prepare(t.Context(), h.dial(site.Keeper)))
	keeper, _ := h.dialRaw(site.Keeper)
	var err error
	if h.keeper, err = jetstream.New(keeper); err != nil {
		t.Fatal(err)
	}
	return h
}

// dial connects a stage.
func (h *brokerSite) dial(r site.Role) *stages.Conn {
	h.t.Helper()
	c, err := stages.Dial(h.site, r, h.seeds[r], stages.Options{InProcess: h.broker})
	check.NoError(h.t, err)
	h.t.Cleanup(c.Close)
	return c
}

// dialRaw connects with a role's key but without our client, to send messages that our client never sends.
func (h *brokerSite) dialRaw(r site.Role) (c *nats.Conn, refused <-chan string) {
	h.t.Helper()
	key, err := nkeys.FromSeed([]byte(h.seeds[r]))
	check.NoError(h.t, err)
	said := make(chan string, 64)
	c, err = nats.Connect("", nats.InProcessServer(h.broker), nats.Nkey(h.site.Keys[string(r)], key.Sign),
		nats.CustomInboxPrefix(site.Inbox(r)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { said <- err.Error() }))
	check.NoError(h.t, err)
	h.t.Cleanup(c.Close)
	return c, said
}

// count returns the number of messages in a stream.
func (h *brokerSite) count(stream string) uint64 {
	h.t.Helper()
	s, err := h.keeper.Stream(h.t.Context(), stream)
	check.NoError(h.t, err)
	info, err := s.Info(h.t.Context())
	check.NoError(h.t, err)
	return info.State.Msgs
}

// TestRolesPublishOnlyTheirSubjects checks that each role can publish only its own subjects, create no stream or
// consumer, and receive no other role's replies (N-45, N-46), on an existing NATS server too.
func TestRolesPublishOnlyTheirSubjects(t *testing.T) {
	trees := map[string][]string{"a": {"/srv"}, "b": {"/srv"}}
	t.Run("broker", func(t *testing.T) { refused(t, newBrokerSite(t, trees)) })
	t.Run("existing", func(t *testing.T) { refused(t, newExternalSite(t, trees)) })
}

func refused(t *testing.T, h *brokerSite) {
	part := site.Part{Host: "a", Tree: "/srv"}.Subject()
	subjects := map[string]string{"seen of a": "seen." + part,
		"seen of b": "seen." + site.Part{Host: "b", Tree: "/srv"}.Subject(),
		"people":    "people.0", "rows": "rows." + part, "class": "class.0.x", "fence": "fence.rows." + part,
		"directory": "directory.head", "a stream": "$JS.API.STREAM.CREATE.ROWS2", "a purge": "$JS.API.STREAM.PURGE.FENCE",
		"a removal": "$JS.API.STREAM.DELETE.ROWS", "a consumer": "$JS.API.CONSUMER.CREATE.SEEN.x.seen.>",
		"a purge of rows": "$JS.API.STREAM.PURGE.ROWS", "a message deleted": "$JS.API.STREAM.MSG.DELETE.ROWS"}
	own := map[site.Role]string{site.Watch("a"): "seen of a", site.Watch("b"): "seen of b", site.Directory: "directory",
		site.Work: "people rows class fence", site.Follow: ""}
	streams := map[string]string{"seen": "SEEN", "people": "PEOPLE", "rows": "ROWS", "class": "CLASS", "fence": "FENCE",
		"directory": "DIRECTORY"}
	pairs := 0
	for role, may := range own {
		c, refused := h.dialRaw(role)
		for what, subject := range subjects {
			if strings.Contains(" "+may+" ", " "+what+" ") {
				before := h.count(streams[strings.Fields(what)[0]])
				check.Equal(t, check.Err(c.Request(subject, nil, time.Minute)), nil, "%s publishes %s", role, what)
				check.That(t, h.count(streams[strings.Fields(what)[0]]) >= max(before, 1),
					"%s published %s, but the stream has no new message", role, what)
				continue
			}
			pairs++
			check.NoError(t, errors.Join(c.Publish(subject, []byte("{}")), c.Flush()))
			if said := <-refused; !strings.Contains(strings.ToLower(said), "permissions violation") ||
				!strings.Contains(said, subject) {
				t.Errorf("%s publishes %s: %s", role, what, said)
			}
		}
		for _, pattern := range []string{">", "seen.>", "rows.>", "_INBOX.>", site.Inbox("work2") + ".>", "$JS.>"} {
			check.NoError(t, check.Err(c.SubscribeSync(pattern)))
			check.NoError(t, c.Flush())
			if said := <-refused; !strings.Contains(strings.ToLower(said), "permissions violation") {
				t.Errorf("%s receives %s: %s", role, pattern, said)
			}
		}
	}
	check.Equal(t, pairs, 5*len(subjects)-7, "refused pairs")
}

// firstSequence returns the sequence of a stream's first message.
func (h *brokerSite) firstSequence(stream string) uint64 {
	h.t.Helper()
	s, err := h.keeper.Stream(h.t.Context(), stream)
	check.NoError(h.t, err)
	return s.CachedInfo().State.FirstSeq
}

// operations are requests of the JetStream API that change or delete a stream or its messages. %s is the stream.
var operations = map[string]string{
	"purge":            "$JS.API.STREAM.PURGE.%s",
	"delete":           "$JS.API.STREAM.DELETE.%s",
	"update":           "$JS.API.STREAM.UPDATE.%s",
	"create":           "$JS.API.STREAM.CREATE.%s",
	"delete a message": "$JS.API.STREAM.MSG.DELETE.%s",
	"restore":          "$JS.API.STREAM.RESTORE.%s",
	"snapshot":         "$JS.API.STREAM.SNAPSHOT.%s",
	"step down":        "$JS.API.STREAM.LEADER.STEPDOWN.%s",
	"remove a peer":    "$JS.API.STREAM.PEER.REMOVE.%s",
	"create consumer":  "$JS.API.CONSUMER.CREATE.%s.x",
	"create durable":   "$JS.API.CONSUMER.DURABLE.CREATE.%s.x",
	"delete consumer":  "$JS.API.CONSUMER.DELETE.%s.people_0",
}

// TestOnlyKeeperChangesStreams checks that the servers refuse each operation of each role but the keeper on each
// stream (N-120), on an existing NATS server too.
func TestOnlyKeeperChangesStreams(t *testing.T) {
	trees := map[string][]string{"a": {"/srv"}}
	for name, start := range map[string]func(*testing.T, map[string][]string) *brokerSite{"broker": newBrokerSite,
		"existing": newExternalSite} {
		t.Run(name, func(t *testing.T) {
			h := start(t, trees)
			for _, role := range []site.Role{site.Work, site.Follow, site.Directory, site.Watch("a")} {
				c, refused := h.dialRaw(role)
				for what, form := range operations {
					for _, stream := range site.Streams() {
						subject := fmt.Sprintf(form, stream)
						check.NoError(t, errors.Join(c.Publish(subject, nil), c.Flush()))
						if said := <-refused; !strings.Contains(strings.ToLower(said), "permissions violation") ||
							!strings.Contains(said, subject) {
							t.Errorf("N-120: %s: %s of %s: %s, want a permissions violation", role, what, stream, said)
						}
					}
				}
			}
			keeper, _ := h.dialRaw(site.Keeper)
			m, err := keeper.Request(fmt.Sprintf(operations["purge"], "ROWS"), nil, time.Minute)
			check.That(t, err == nil && strings.Contains(string(m.Data), `"success":true`),
				"the keeper's own purge: %v, %v, want success", m, err)
		})
	}
}

// TestServersRejectForgedReplySubjects checks that no server and no keeper carries out an operation for a role that
// names the operation as the subject of its answer (N-43, N-121).
func TestServersRejectForgedReplySubjects(t *testing.T) {
	h := newBrokerSite(t, map[string][]string{"a": {"/srv"}})
	keeper, ready := h.dial(site.Keeper), make(chan struct{})
	go func() { _ = stages.Keep(t.Context(), keeper, func() { close(ready) }) }()
	<-ready
	work, refused := h.dialRaw(site.Work)
	check.NoError(t, check.Err(work.Request("people.0", nil, time.Minute)))
	m, err := work.Request("keep.people.0", []byte(`{"input":1}`), time.Minute)
	if err != nil || !strings.Contains(string(m.Data), "malformed") && !strings.Contains(string(m.Data), "has no log") {
		t.Errorf("N-120: the keeper answers %v, %v, want that the share has no log", m, err)
	}
	for what, form := range operations {
		for request, body := range map[string]string{"keep.people.0": `{"input":1}`, "keep.rows.x": "",
			"$JS.API.DIRECT.GET.PEOPLE": `{"seq":1}`, "$JS.API.DIRECT.GET.PEOPLE.people.0": "",
			"$JS.API.DIRECT.GET.ROWS": `{"seq":1}`, "people.1": `{}`} {
			check.NoError(t, errors.Join(work.PublishRequest(request, fmt.Sprintf(form, "PEOPLE"), []byte(body)), work.Flush()))
			if n := h.count("PEOPLE"); n < 1 || h.firstSequence("PEOPLE") != 1 {
				t.Fatalf("N-121: %s for the answer of %s: %d messages, want the first one kept", what, request, n)
			}
		}
	}
	select {
	case said := <-refused:
		t.Errorf("a request was refused: %s, want all to reach the servers", said)
	default:
	}
	consumer, err := h.keeper.Consumer(t.Context(), "CLASS", "people_0")
	check.That(t, err == nil && consumer.CachedInfo().Config.AckPolicy == jetstream.AckNonePolicy,
		"the consumer people_0 is %v, %v, want it unchanged", consumer, err)
}

// TestConnectionNeedsKeyOfItsRole checks that nobody connects without a key, with a key of another site, or with
// another role's key.
func TestConnectionNeedsKeyOfItsRole(t *testing.T) {
	h := newBrokerSite(t, map[string][]string{"a": {"/srv"}})
	open, err := broker.Start(h.site, broker.Options{Store: t.TempDir(), Listen: "127.0.0.1:0"})
	check.NoError(t, err)
	defer open.Close()
	check.ErrorIs(t, check.Err(nats.Connect(open.URL())), nats.ErrAuthorization, "without a key")
	key, err := nkeys.CreateUser()
	check.NoError(t, err)
	public, _ := key.PublicKey()
	check.ErrorIs(t, check.Err(nats.Connect(open.URL(), nats.Nkey(public, key.Sign))), nats.ErrAuthorization,
		"with a key of one's own")
	if _, err := stages.Dial(h.site, site.Work, h.seeds[site.Follow], stages.Options{InProcess: h.broker}); err == nil {
		t.Error("work with the key of follow")
	}
	if _, err := stages.Dial(h.site, site.Work, "SUAxx", stages.Options{InProcess: h.broker}); err == nil ||
		strings.Contains(err.Error(), "SUAxx") {
		t.Errorf("a malformed seed: %v", err)
	}
	for _, at := range []string{"0.0.0.0:0", "192.0.2.1:0", "example.org:0"} { // without TLS on this host alone (N-47)
		_, err := broker.Start(h.site, broker.Options{Store: t.TempDir(), Listen: at})
		check.That(t, err != nil && strings.Contains(err.Error(), "without TLS"), "listen %s: %v", at, err)
	}
}

// TestFullPartRejectsMessages checks that a part without a worker rejects messages beyond its limit, and that other
// parts are not affected (N-48).
func TestFullPartRejectsMessages(t *testing.T) {
	h := newBrokerSite(t, map[string][]string{"a": {"/srv"}})
	c, _ := h.dialRaw(site.Watch("a"))
	js, err := jetstream.New(c)
	check.NoError(t, err)
	full := "seen." + site.Part{Host: "a", Tree: "/srv"}.Subject()
	stored := 0
	for ; err == nil && stored < 10_000; stored++ {
		_, err = js.Publish(t.Context(), full, []byte("x"))
	}
	var api *jetstream.APIError
	check.That(t, errors.As(err, &api) && stored <= 300, "%d messages were taken, then: %v", stored, err)
	other := "seen." + site.Part{Host: "a", Tree: "/srv", Number: 1}.Subject()
	check.Equal(t, check.Err(js.Publish(t.Context(), other, nil)), nil, "another part")
}
