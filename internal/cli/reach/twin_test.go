package reach_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// twinWord is a word as the table of rights has it: a mask on each of some chains
// below the class, on kinds of objects.
type twinWord struct {
	name   string
	mask   winnt.AccessMask
	chains []string
	on     string
}

// appliesTo reports whether a word means something on a kind of object.
func (w *twinWord) appliesTo(is string) bool { return slices.Contains(strings.Fields(w.on), is) }

// twinWords are in the order of strength.
var twinWords = []twinWord{
	{"GenericAll", 0xF01FF, nil, "user computer group domain ou holder unknown"},
	{"WriteDacl", 0x40000, nil, "user computer group domain ou holder unknown file"},
	{"WriteOwner", 0x80000, nil, "user computer group domain ou holder unknown file"},
	{"ForceChangePassword", 0x100, []string{passwordGUID}, "user computer unknown"},
	{"AddKeyCredentialLink", 0x20, []string{keySetGUID + " " + keyGUID}, "user computer unknown"},
	{"AddAllowedToAct", 0x20, []string{accountGUID + " " + actGUID}, "user computer unknown"},
	{"WriteSPN", 0x20, []string{publicGUID + " " + spnGUID}, "user computer unknown"},
	{"WriteAltSecurityIdentities", 0x20, []string{publicGUID + " " + altGUID}, "user computer unknown"},
	{"AddMember", 0x20, []string{membershipGUID + " " + memberGUID}, "group unknown"},
	{"AddSelf", 0x8, []string{membershipGUID + " " + memberGUID}, "group unknown"},
	{"DCSync", 0x100, []string{changesGUID, changesAllGUID}, "domain unknown"},
	{"WriteGPLink", 0x20, []string{linkGUID}, "domain ou unknown"},
	{"ControlsDomain", 0, nil, ""}, // rights on other objects
	{"SDProp", 0, nil, ""},
}

// twin searches by brute force: it builds each token itself and checks every edge.
type twin struct {
	*world
	depth   map[string]int // of each object that is reached
	rights  map[string]map[string]bool
	tokens  map[string]*token.Token
	strange map[string]int // counts of random features, to verify that they occurred
	lists   map[string][][]access.ObjectTypeEntry
}

// tokenOf returns the token of a user with some groups, as a network logon builds it.
func (w *twin) tokenOf(user int, joined []int) *token.Token {
	key := fmt.Sprint(user, joined)
	if t := w.tokens[key]; t != nil {
		return t
	}
	in := map[int]bool{}
	var enter func(of []int)
	enter = func(of []int) {
		for _, g := range of {
			if !in[g] {
				in[g] = true
				enter(w.groups[g].of)
			}
		}
	}
	enter(w.users[user].of)
	enter(joined)
	spec := token.StandardUser(w.users[user].sid)
	spec.Groups = nil
	add := func(s sid.SID) {
		spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
	}
	for _, s := range []string{"WD", "NU", "AU", "S-1-5-15", "BU", domainSID + "-513"} {
		add(check.Must(sid.Resolve(s, sid.SID{})))
	}
	for g := range in {
		add(w.groups[g].sid)
	}
	w.tokens[key] = check.Must(token.New(spec))
	return w.tokens[key]
}

// granted runs the access check for every chain of a word.
func (w *twin) granted(t *token.Token, o *object, d *sd.Descriptor, word *twinWord) bool {
	r := access.Request{Descriptor: d, Subject: access.Subject{Primary: t}, Desired: word.mask, Type: o.item.Type}
	r.Self = o.sid
	r.Options.ADOwnerReadOnly = w.block && o.is == "computer"
	for _, r.ObjectTypes = range w.chains(o.is, word) {
		if !check.Must(access.SeAccessCheck(&r)).Allowed() {
			return false
		}
	}
	return true
}

// chains returns the object type lists of a word on an object.
func (w *twin) chains(is string, word *twinWord) [][]access.ObjectTypeEntry {
	key := fmt.Sprint(is, w.plain, word.name)
	if lists, ok := w.lists[key]; ok {
		return lists
	}
	var lists [][]access.ObjectTypeEntry
	for _, chain := range append(word.chains, "")[:max(len(word.chains), 1)] {
		var list []access.ObjectTypeEntry
		root := classGUID[is]
		if (w.plain || root == "") && chain != "" { // the object itself
			root = "00000000-0000-0000-0000-000000000000"
		} else if w.plain {
			root = ""
		}
		for _, g := range strings.Fields(root + " " + chain) {
			list = append(list, access.ObjectTypeEntry{Level: uint16(len(list)), GUID: check.Must(winnt.ParseGUID(g))})
		}
		lists = append(lists, list)
	}
	w.lists[key] = lists
	return lists
}

// words returns a token's words on an object, for WriteOwner also those after taking ownership.
func (w *twin) words(t *token.Token, o *object) []string {
	var list, names []string
	for i := range twinWords {
		word := &twinWords[i]
		if !word.appliesTo(o.is) || !w.granted(t, o, o.item.Descriptor, word) {
			continue
		}
		if word.name == "WriteOwner" && !slices.Contains(names, "WriteDacl") {
			p := o.item.Descriptor.Parts()
			p.Owner = t.User().SID
			then := ""
			for j := range twinWords {
				other := &twinWords[j]
				if then == "" && other.name != "WriteOwner" && other.appliesTo(o.is) &&
					w.granted(t, o, sd.New(p), other) {
					then = other.name
				}
			}
			if then == "" {
				w.strange["an owner without rights"]++
				continue
			}
			w.strange["an owner with rights"]++
			list, names = append(list, "WriteOwner then "+then), append(names, "WriteOwner")
			continue
		}
		names, list = append(names, word.name), append(list, word.name)
	}
	return list
}

// steps returns the words on an object, and those that follow from its domain and from AdminSDHolder.
func (w *twin) steps(t *token.Token, o *object) []string {
	list := w.words(t, o)
	head := w.headOf(o)
	if head == nil {
		return list
	}
	if w.controls(t, head) {
		list = append(list, "ControlsDomain")
		w.strange["ControlsDomain"]++
	}
	for i := range w.things {
		h := &w.things[i]
		if h.is == "holder" && w.headOf(h) == head && w.protected(o) && w.controls(t, h) {
			list = append(list, "SDProp")
			w.strange["SDProp"]++
		}
	}
	return list
}

// headOf returns the head of an object's domain, which is its nearest ancestor of that kind. It returns nil for a head
// and for an object of another domain.
func (w *twin) headOf(o *object) *object {
	at := func(path string) *object {
		i := slices.IndexFunc(w.things, func(h object) bool {
			return h.is == "domain" && strings.EqualFold(h.item.Path, path)
		})
		if i < 0 || strings.Contains(path, "DnsZones") {
			return nil
		}
		return &w.things[i]
	}
	for path := o.item.Path; at(o.item.Path) == nil; {
		_, above, ok := strings.Cut(path, ",")
		if head := at(above); head != nil || !ok {
			return head
		}
		path = above
	}
	return nil
}

// controls reports whether a token may write the rights of a head or an AdminSDHolder, or replicate all of it.
func (w *twin) controls(t *token.Token, o *object) bool {
	return slices.ContainsFunc(w.words(t, o), func(word string) bool {
		switch word {
		case "GenericAll", "WriteDacl", "WriteOwner then GenericAll", "WriteOwner then WriteDacl", "WriteOwner then DCSync",
			"DCSync":
			return true
		}
		return false
	})
}

// protected reports whether an object is a group of Microsoft's list, or a user or group in one.
func (w *twin) protected(o *object) bool {
	if o.account < 0 || o.is == "computer" {
		return false
	}
	known := func(s sid.SID) bool {
		switch s.String() {
		case "S-1-5-32-551", domainSID + "-512", domainSID + "-527":
			return true
		}
		return false
	}
	seen, next := map[int]bool{}, []int{o.account}
	if o.is != "group" {
		next = slices.Clone(w.users[o.account].of)
	}
	for len(next) > 0 {
		g := next[0]
		if next = next[1:]; known(w.groups[g].sid) {
			return true
		}
		if !seen[g] {
			seen[g] = true
			next = append(next, w.groups[g].of...)
		}
	}
	return false
}

// search fills in the depths, trying every token there can be.
func (w *twin) search(from int) {
	type state struct {
		user   int
		joined []int
	}
	seen, now := map[string]bool{}, []state{{user: from}}
	seen[fmt.Sprint(now[0])] = true
	for depth := 1; len(now) > 0; depth++ {
		var next []state
		visit := func(s state) {
			slices.Sort(s.joined)
			if key := fmt.Sprint(s); !seen[key] {
				seen[key] = true
				next = append(next, s)
			}
		}
		for _, s := range now {
			t := w.tokenOf(s.user, s.joined)
			for i := range w.things {
				o := &w.things[i]
				list := w.steps(t, o)
				if len(list) == 0 {
					continue
				}
				if _, ok := w.depth[o.item.Path]; !ok {
					w.depth[o.item.Path] = depth
				}
				for _, r := range list {
					if w.rights[fmt.Sprint(s.user, s.joined, o.item.Path)] == nil {
						w.rights[fmt.Sprint(s.user, s.joined, o.item.Path)] = map[string]bool{}
					}
					w.rights[fmt.Sprint(s.user, s.joined, o.item.Path)][r] = true
				}
				switch {
				case o.is == "group":
					visit(state{s.user, []int{o.account}})
					if w.joined > 1 {
						for _, g := range s.joined {
							if g != o.account {
								visit(state{s.user, []int{g, o.account}})
							}
						}
					}
				case o.is == "user" || o.is == "computer":
					visit(state{user: o.account})
				}
			}
		}
		now = next
	}
}

// The reached objects and the number of steps equal those of a brute-force search, and each step of each path exists
// in it (B-7, B-8, B-9, B-76, B-77, A-160, A-161, A-162).
func TestSearchMatchesBruteForce(t *testing.T) {
	seed := randtest.Seed(t)
	total := map[string]int{}
	lists := map[string][][]access.ObjectTypeEntry{}
	directories := randtest.Count(t, "REFMON_DIRECTORIES", 400)
	for n := range directories {
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		w := &twin{newWorld(t, rng), map[string]int{}, map[string]map[string]bool{}, map[string]*token.Token{},
			map[string]int{}, lists}
		w.world.search.From = rng.IntN(len(w.users))
		w.search(w.world.search.From)
		result, err := w.world.search.Do(context.Background())
		check.RequireThat(t, err == nil && result.Cut == "",
			"directory %d: %v, %v, want a complete search", n, err, result)
		got := map[string]int{}
		for _, p := range result.Paths {
			got[p.Object] = len(p.Steps)
			w.walk(t, n, p, total)
		}
		if !maps.Equal(got, w.depth) {
			t.Fatalf("directory %d: reached %v, the twin %v, want %v\n%s", n, got, w.depth, w.depth, w.dump())
		}
		for what, n := range w.strange {
			total[what] += n
		}
		total["objects"] += len(w.things)
		total["reached"] += len(got)
	}
	t.Log(total)
	for _, what := range []string{"an owner without rights", "an owner with rights", "length 1", "length 3",
		"length 5", "joined 1", "joined 2", "ControlsDomain", "SDProp"} {
		if total[what] < 5 && directories >= 1000 { // a few directories need not have them
			t.Errorf("%s occurred too rarely: %v, want at least 5 times", what, total)
		}
	}
	r, n := total["reached"], total["objects"]
	check.That(t, r*10 >= n && r*10 <= n*9, "%d of %d objects reached, want between a tenth and nine tenths", r, n)
}

// walk checks each step of a path with the rights of the twin.
func (w *twin) walk(t *testing.T, n int, p reach.Path, total map[string]int) {
	t.Helper()
	total[fmt.Sprint("length ", len(p.Steps))]++
	gives := ""
	for i, step := range p.Steps {
		user := slices.IndexFunc(w.users, func(u person) bool { return u.name == step.Who })
		var joined []int
		for _, name := range step.Joined {
			joined = append(joined, slices.IndexFunc(w.groups, func(g person) bool { return g.name == name }))
		}
		slices.Sort(joined)
		right := step.Right
		if step.Then != "" {
			right += " then " + step.Then
		}
		have := w.rights[fmt.Sprint(user, joined, step.Object)]
		for _, word := range twinWords { // the strongest is named
			if word.name == step.Right {
				break
			}
			check.That(t, !have[word.name],
				"directory %d: step %+v exists although there is %s, want the stronger right", n, step, word.name)
		}
		check.That(t, have[right] && len(step.By) != 0,
			"directory %d: path %v: step %d is not in the twin's steps %v", n, p, i, have)
		total[fmt.Sprint("joined ", len(joined))]++
		if i > 0 && gives == "acts as "+step.Who == (len(joined) > 0) && !strings.HasPrefix(gives, "member of ") {
			t.Errorf("directory %d: path %v: step %d does not follow from %q", n, p, i, gives)
		}
		gives = step.Gives
	}
	last := p.Steps[len(p.Steps)-1]
	check.That(t, last.Object == p.Object, "directory %d: %+v ends at %s, want %s", n, p, last.Object, p.Object)
}

func (w *twin) dump() string {
	var b strings.Builder
	b.WriteString(w.yaml())
	for _, o := range w.things {
		text := check.Must(sddl.Format(o.item.Descriptor, sddl.Options{Extended: true}))
		fmt.Fprintf(&b, "%s %v %s\n", o.item.Path, o.sid, text)
	}
	return b.String()
}
