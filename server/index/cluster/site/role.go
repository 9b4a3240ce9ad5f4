package site

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nkeys"
)

// Role is a kind of program of a site. The zero value has no permissions.
type Role string

// The roles that a site has once. [Watch] returns one more for each host.
const (
	Keeper    Role = "keeper"    // creates the streams
	Directory Role = "directory" // publishes the directory
	Work      Role = "work"      // computes rows and class members
	Follow    Role = "follow"    // reads the results
)

// Watch returns the role that reports the files of a host. It does not check whether a site has the host.
func Watch(host string) Role { return Role("watch-" + host) }

// Roles returns all roles of a site, one for each host included, sorted. The caller owns the slice.
func (s *Site) Roles() []Role {
	out := []Role{Keeper, Directory, Work, Follow}
	for host := range s.Hosts {
		out = append(out, Watch(host))
	}
	slices.Sort(out)
	return out
}

// New validates a site and creates a key for each role; it ignores s.Keys. It returns a copy of the site with the
// public keys and its defaults, and the secret seed of each role. Store each seed only on the machines of its role. It
// returns an error for a site that is not valid.
func New(s Site) (*Site, map[Role]string, error) { return Renew(s, nil) }

// Renew is [New] for a site whose roles have some keys already: it keeps the seeds in old and creates the others. It
// drops the seeds of roles that the site does not have. A seed that is malformed or not of a user is an error, which
// does not contain it.
func Renew(s Site, old map[Role]string) (*Site, map[Role]string, error) {
	seeds := map[Role]string{}
	s.Keys = map[string]string{}
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	for _, r := range s.Roles() {
		seed, public, err := keyPair(old[r])
		if err != nil {
			return nil, nil, fmt.Errorf("key of %s: %w", r, err)
		}
		seeds[r], s.Keys[string(r)] = seed, public
	}
	return &s, seeds, nil
}

// keyPair returns the key pair of a role, as a secret seed and its public key. It reuses the seed old, and creates a
// new one if old is empty. A seed that is malformed or not of a user, such as that of an account, is an error that does
// not repeat it.
func keyPair(old string) (seed, public string, err error) {
	key, err := nkeys.CreateUser()
	if old != "" {
		key, err = nkeys.FromSeed([]byte(old))
	}
	if err != nil {
		return "", "", errors.New("the seed is malformed") // without err, which may contain the secret
	}
	b, err := key.Seed()
	if err != nil {
		return "", "", err
	}
	if public, err = key.PublicKey(); err == nil && !nkeys.IsValidPublicUserKey(public) {
		err = errors.New("the seed is not one of a user, which begins with SU")
	}
	return string(b), public, err
}

// Permissions lists the subjects that a role may publish and those that it may subscribe to (Hear), with wildcards.
// The zero value allows none.
type Permissions struct{ Publish, Hear []string }

// Names of streams. Each stores the subjects that begin with its name in lower case.
const (
	StreamSeen      = "SEEN"
	StreamDirectory = "DIRECTORY"
	StreamClass     = "CLASS"
	StreamRows      = "ROWS"
	StreamPeople    = "PEOPLE"
	StreamFence     = "FENCE"
)

// Streams returns the names of all streams. The caller owns the slice.
func Streams() []string {
	return []string{StreamSeen, StreamDirectory, StreamClass, StreamRows, StreamPeople, StreamFence}
}

// Permissions returns the subjects that a role may publish and subscribe to. A role without a key in the site has none.
// Only the keeper may create streams and consumers, because a consumer can deliver to subjects that its creator may not
// publish (N-45), and only the keeper may delete messages and streams (N-120). A watcher may publish only about the
// trees of its own host.
func (s *Site) Permissions(r Role) Permissions {
	inbox := Inbox(r) + ".>"
	get := func(streams ...string) (out []string) {
		for _, name := range streams {
			out = append(out, "$JS.API.DIRECT.GET."+name, "$JS.API.DIRECT.GET."+name+".>")
		}
		return out
	}
	if _, known := s.Keys[string(r)]; !known {
		return Permissions{}
	}
	switch r {
	case Keeper:
		// The keeper replies to workers (N-120).
		return Permissions{Publish: []string{"$JS.API.>", Answers + ">"}, Hear: []string{inbox, "keep.>"}}
	case Directory:
		return Permissions{Hear: []string{inbox},
			Publish: []string{"directory.>", "wake.directory.>", "$JS.API.DIRECT.GET.DIRECTORY.directory.>"}}
	case Work:
		return Permissions{Hear: []string{inbox, "wake.>", "alive.>"},
			Publish: append(get(Streams()...), "rows.>", "class.>", "people.>", "fence.>", "wake.>", "alive.>", "again.>",
				"keep.rows.>", "keep.people.>")}
	case Follow:
		return Permissions{Hear: []string{inbox, "wake.>"},
			Publish: append(get(StreamRows, StreamPeople, StreamFence), "keep.follow.>")}
	}
	host := strings.TrimPrefix(string(r), "watch-")
	own := "seen." + host + ".>" // a watcher may publish only for its own host (N-46)
	publish := []string{"wake." + own, "$JS.API.DIRECT.GET." + StreamSeen + "." + own}
	for _, t := range s.Hosts[host] { // each subject has a limit of messages, so there must be a limit of subjects (N-48)
		for n := range s.Parts {
			publish = append(publish, "seen."+Part{host, t, n}.Subject())
		}
	}
	return Permissions{Hear: []string{inbox, "again." + host + ".>"}, Publish: publish}
}

// Answers is the prefix of the subjects to which NATS servers send answers for another account.
const Answers = "_R_."

// Inbox returns the prefix of a role's reply subjects. No other role may subscribe to them.
func Inbox(r Role) string { return "_INBOX." + string(r) }

// Author returns the only role whose signature makes a message of this subject valid, "" if such messages are not
// signed. It does not check whether the site has the subject's host. It reads only the first word, and for seen the
// host.
func (s *Site) Author(subject string) Role {
	first, rest, _ := strings.Cut(subject, ".")
	switch first {
	case "rows", "class", "people", "fence":
		return Work
	case "directory":
		return Directory
	case "seen":
		host, _, _ := strings.Cut(rest, ".")
		return Watch(host)
	}
	return ""
}

// Signed is the signed part of a message: its position and contents.
type Signed struct {
	Subject string
	ID      string // ID of the message
	After   uint64 // the sequence of the preceding valid message of the subject; 0: none
	Body    []byte
}

// bytes returns the text that a role signs: an unambiguous encoding of the message's position and contents, without the
// signature.
func (m *Signed) bytes() []byte {
	out := []byte("refmon message 1\x00")
	for _, part := range [][]byte{[]byte(m.Subject), []byte(m.ID), m.Body} {
		out = binary.LittleEndian.AppendUint64(out, uint64(len(part)))
		out = append(out, part...)
	}
	return binary.LittleEndian.AppendUint64(out, m.After)
}

// Sign returns the signature of a message with the key of a role. key must have its private part, or Sign returns an
// error.
func Sign(key nkeys.KeyPair, m *Signed) ([]byte, error) { return key.Sign(m.bytes()) }

// Verify returns nil if the role that owns the message's subject signed the message, and otherwise an error (N-43). The
// error is [ErrRole] if the site has no key for the owner of the subject. A key that is malformed is another error.
func (s *Site) Verify(m *Signed, signature []byte) error {
	role := s.Author(m.Subject)
	public, known := s.Keys[string(role)]
	if !known {
		return fmt.Errorf("%s: %w", m.Subject, ErrRole)
	}
	key, err := nkeys.FromPublicKey(public)
	if err != nil {
		return err
	}
	if err := key.Verify(m.bytes(), signature); err != nil {
		return fmt.Errorf("%s: not signed by %s: %w", m.Subject, role, err)
	}
	return nil
}
