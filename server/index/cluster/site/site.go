package site

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"

	"github.com/nats-io/nkeys"

	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/server/index"
)

// Site is the configuration that all machines of an index share. Parts, Deciders and Replicas of 0
// mean 1.
type Site struct {
	Servers []string `json:"servers,omitempty"` // URLs of NATS servers
	Rights  string   `json:"rights"`            // "read" or "read+write"
	Share   string   `json:"share,omitempty"`   // SDDL of the share's own descriptor
	// Traverse is the check of traverse rights: "", "never", "privilege", "always" or "host".
	Traverse index.Traverse      `json:"traverse,omitempty"`
	Hosts    map[string][]string `json:"hosts"` // the trees of each file server
	// Parts is the number of parts of each tree, Deciders the number of parts of the classes, and
	// Replicas the number of servers that store each message. Parts and Deciders never change
	// during a site's life.
	Parts    int `json:"parts,omitempty"`
	Deciders int `json:"deciders,omitempty"`
	Replicas int `json:"replicas,omitempty"`
	// Followers are the names of the machines that follow, for consumers that show how far each has read.
	Followers []string          `json:"followers,omitempty"`
	Keys      map[string]string `json:"keys"` // the public key of each role
}

// Limits of a site.
const (
	maxHosts = 4096
	maxTrees = 64
	maxParts = 256

	maxReplicas = 5 // of a JetStream stream
)

var hostName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Read parses and validates a site, and sets its defaults. Unknown and duplicate fields are errors, and so are values
// outside the limits, malformed keys and server addresses, and an empty list of hosts. With an error, do not use the
// site.
func Read(b []byte) (*Site, error) {
	s := &Site{}
	if err := strict.Unmarshal(b, s); err != nil {
		return nil, err
	}
	return s, s.check()
}

// check validates a site and sets zero Parts, Deciders and Replicas to 1. check returns an error for the first invalid
// value; the defaults may then be set.
//
//   - Numbers must be within their limits.
//   - A site needs a host, and each host needs a tree.
//   - A tree is a clean absolute path other than "/". No tree of a host is another one or below it.
//   - Names, keys and server addresses must be well formed.
//   - Question must accept the site.
func (s *Site) check() error {
	for _, n := range []*int{&s.Parts, &s.Deciders, &s.Replicas} {
		if *n == 0 {
			*n = 1
		}
		if *n < 0 || *n > maxParts {
			return fmt.Errorf("parts, deciders, replicas: want 1 to %d", maxParts)
		}
	}
	if s.Replicas > maxReplicas {
		return fmt.Errorf("replicas: %d: want 1 to %d", s.Replicas, maxReplicas)
	}
	if len(s.Hosts) == 0 || len(s.Hosts) > maxHosts {
		return fmt.Errorf("%d hosts: want 1 to %d", len(s.Hosts), maxHosts)
	}
	for _, host := range slices.Sorted(maps.Keys(s.Hosts)) {
		trees := s.Hosts[host]
		if !hostName.MatchString(host) {
			return fmt.Errorf("host %q: want letters a-z, digits and -", host)
		}
		if len(trees) == 0 || len(trees) > maxTrees {
			return fmt.Errorf("host %s: %d trees: want 1 to %d", host, len(trees), maxTrees)
		}
		for _, t := range trees {
			if !path.IsAbs(t) || path.Clean(t) != t || t == "/" {
				return fmt.Errorf("host %s: tree %q: want an absolute path", host, t)
			}
		}
		if err := index.SeparateTrees(trees); err != nil {
			return fmt.Errorf("host %s: %w", host, err)
		}
	}
	for _, name := range s.Followers {
		if !hostName.MatchString(name) {
			return fmt.Errorf("follower %q: want letters a-z, digits and -", name)
		}
	}
	for _, role := range slices.Sorted(maps.Keys(s.Keys)) {
		if !nkeys.IsValidPublicUserKey(s.Keys[role]) {
			return fmt.Errorf("key of %s: want the public key of a user", role)
		}
	}
	for _, at := range s.Servers {
		if err := checkServer(at); err != nil {
			return err
		}
	}
	_, err := s.Question()
	return err
}

// Question returns the rights, share and traverse check that the index evaluates. It returns an error if one of them is
// malformed. An empty Share means that there is no share. An unknown traverse policy is such an error.
func (s *Site) Question() (q index.Question, err error) {
	q = index.Question{ShareText: s.Share, Traverse: s.Traverse}
	if q.Rights, err = words.Parse(s.Rights); err != nil {
		return q, err
	}
	if s.Share != "" {
		if q.Share, err = shares.ParseDescriptor(s.Share); err != nil {
			return q, fmt.Errorf("share: %w", err)
		}
	}
	_, err = q.Worker(nil)
	return q, err
}

// Tests reports whether access to a document also needs traverse rights on the folders above it. It returns false for a
// site without a Traverse.
func (s *Site) Tests() bool { return s.Traverse != "" && s.Traverse != index.TraverseNever }

// Part is one of the disjoint sets into which the documents of a tree on a host are divided, so that workers share
// them. Numbers begin with 0.
type Part struct {
	Host, Tree string
	Number     int
}

// Subject returns the part as the end of a subject: HOST.TREE.NUMBER. TREE is a hash of the tree's path.
func (p Part) Subject() string {
	return p.Host + "." + treeToken(p.Tree) + "." + strconv.Itoa(p.Number)
}

// Root returns the tree's name with its host, as in document names: //HOST/TREE.
func (p Part) Root() string { return "//" + p.Host + p.Tree }

// treeToken returns a hash that stands for a tree's path as one word of a NATS subject.
func treeToken(tree string) string {
	sum := sha256.Sum256([]byte(tree))
	return hex.EncodeToString(sum[:6])
}

// DocumentParts returns Parts parts for each tree, sorted by host, tree and number. The caller owns the result. It
// returns nil without trees.
func (s *Site) DocumentParts() (out []Part) {
	for host, trees := range s.Hosts {
		for _, t := range trees {
			for n := range s.Parts {
				out = append(out, Part{host, t, n})
			}
		}
	}
	slices.SortFunc(out, func(a, b Part) int {
		return slices.Compare([]string{a.Host, a.Tree, fmt.Sprintf("%3d", a.Number)},
			[]string{b.Host, b.Tree, fmt.Sprintf("%3d", b.Number)})
	})
	return out
}

// PartOf returns the number of the part to which a document belongs, from 0 to Parts-1, given its path on its own host.
// It is a hash of the path, so all machines agree. It does not check whether the site has the document's tree.
func (s *Site) PartOf(local string) int { return hashed(local, s.Parts) }

// DeciderOf returns the share of the work to which a class belongs, from 0 to Deciders-1: the worker of that share
// computes the class's members. It is a hash of the class ID, so all machines agree (N-44).
func (s *Site) DeciderOf(class string) int { return hashed(class, s.Deciders) }

// hashed assigns a text to one of n shares: it returns a number below n that depends on text alone. n must not be 0.
func hashed(text string, n int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return int(h.Sum64() % uint64(n))
}

// ErrRole says that the site has no role for a subject or name.
var ErrRole = errors.New("the site has no such role")
