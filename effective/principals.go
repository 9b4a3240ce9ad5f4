package effective

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Config holds the settings that all questions about a set of principals share.
// The zero value is the default of the access check.
type Config struct {
	Policies *access.PolicySet // central access policies; nil: none configured
	Options  access.Options
}

// Principals is a set of tokens compiled for bulk evaluation: a matrix of bits
// with a row for each SID and a column for each distinct token. It is
// immutable. The zero value has no principals.
type Principals struct {
	cfg    Config
	tokens []*token.Token // one for each column
	column []uint32       // of each principal; nil: principal i is column i
	width  int            // words of a set of columns

	sids *sidset.Set // the SIDs that have a row
	rows []row       // parallel to sids

	rare       Set // restricted tokens and AppContainers: always checked one by one
	security   Set // SeSecurityPrivilege enabled
	ownership  Set // SeTakeOwnershipPrivilege or SeRelabelPrivilege enabled
	relabel    Set // SeRelabelPrivilege enabled
	levels     []uint32
	belowLevel []Set // parallel to levels: the tokens with the no-write-up policy at or below the level
}

// Compile returns the principals of tokens. Principal i is tokens[i], which
// must not be nil. Tokens of one user with equal fingerprints share a column
// . They do not if a callback is configured, which can read the token
// itself, or if they have local attributes.
func Compile(tokens []*token.Token, cfg Config) *Principals {
	p := &Principals{cfg: cfg}
	p.intern(tokens)
	n := len(p.tokens)
	p.width = (n + 63) / 64
	p.rare, p.security, p.ownership, p.relabel = newSet(n), newSet(n), newSet(n), newSet(n)
	for i, t := range p.tokens {
		p.classify(i, t)
	}
	p.orderLevels()
	p.buildRows()
	return p
}

// intern assigns each principal a column of the matrix. Principals with equal tokens share one, unless a callback or
// local attributes may change the answer. If none share, p.column stays nil.
func (p *Principals) intern(tokens []*token.Token) {
	users := make(map[sid.SID]uint32, len(tokens)) // only tokens of one user are compared
	for _, t := range tokens {
		users[t.User().SID]++
	}
	seen := map[string]uint32{}
	p.column = make([]uint32, len(tokens))
	for i, t := range tokens {
		c := uint32(len(p.tokens))
		// Equal principals share a column, except where a callback or local attributes may change the answer.
		if users[t.User().SID] > 1 && p.cfg.Options.Callback == nil && t.LocalAttributes().Len() == 0 {
			f := Fingerprint(t)
			if known, ok := seen[f]; ok {
				p.column[i] = known
				continue
			}
			seen[f] = c
		}
		p.column[i] = c
		p.tokens = append(p.tokens, t)
	}
	if len(p.tokens) == len(tokens) {
		p.column = nil
	}
}

// classify notes what is special about the token t in column i: that it is restricted or in an AppContainer and needs
// the full access check, and the privileges that matter to a check.
func (p *Principals) classify(i int, t *token.Token) {
	if t.IsRestricted() || t.IsAppContainer() {
		p.rare.add(i)
	}
	if t.Has(winnt.SeSecurityPrivilege) {
		p.security.add(i)
	}
	if t.Has(winnt.SeTakeOwnershipPrivilege) || t.Has(winnt.SeRelabelPrivilege) {
		p.ownership.add(i)
	}
	if t.Has(winnt.SeRelabelPrivilege) {
		p.relabel.add(i)
	}
}

// orderLevels computes for each integrity level the tokens at or below it, for mandatory labels. It counts only tokens
// with the no-write-up policy, because a label limits no others.
func (p *Principals) orderLevels() {
	// Integrity limits only tokens with the no-write-up policy.
	limited := func(t *token.Token) bool {
		return t.MandatoryPolicy()&winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP != 0
	}
	for _, t := range p.tokens {
		if limited(t) {
			p.levels = append(p.levels, t.Integrity())
		}
	}
	slices.Sort(p.levels)
	p.levels = slices.Clip(slices.Compact(p.levels))
	p.belowLevel = make([]Set, len(p.levels))
	for i, level := range p.levels {
		p.belowLevel[i] = newSet(len(p.tokens))
		for c, t := range p.tokens {
			if limited(t) && t.Integrity() <= level {
				p.belowLevel[i].add(c)
			}
		}
	}
}

// below returns the set of tokens below an integrity level, which an object with that label limits. It returns
// nil if there are none.
func (p *Principals) below(rid uint32) Set {
	i, _ := slices.BinarySearch(p.levels, rid)
	if i == 0 {
		return nil
	}
	return p.belowLevel[i-1]
}

// columns collects the tokens that a SID matches while buildRows builds the matrix.
type columns struct {
	allow, deny collector
	differ      bool // the two differ; otherwise deny is empty
}

// collector collects columns in ascending order: the first few in a list, many as a set, which is then smaller.
type collector struct {
	few  []uint32
	many Set // nil: few has all
}

// add adds a column, which must be greater than the earlier ones. width is the number of words of a set.
func (l *collector) add(column uint32, width int) {
	if l.many != nil {
		l.many.add(int(column))
		return
	}
	if l.few = append(l.few, column); len(l.few) > 2*width {
		l.many = make(Set, width)
		for _, c := range l.few {
			l.many.add(int(c))
		}
		l.few = nil
	}
}

// all returns the columns in ascending order.
func (l *collector) all() []uint32 {
	if l.many == nil {
		return l.few
	}
	out := make([]uint32, 0, l.many.Count())
	for c := range l.many.All() {
		out = append(out, uint32(c))
	}
	return out
}

// add adds a column whose token has the SID for allow entries, deny entries or both.
func (l *columns) add(column uint32, allow, deny bool, width int) {
	if allow != deny && !l.differ {
		l.differ = true
		for _, c := range l.allow.all() {
			l.deny.add(c, width)
		}
	}
	if allow {
		l.allow.add(column, width)
	}
	if deny && l.differ {
		l.deny.add(column, width)
	}
}

// buildRows builds the matrix: for each SID the columns whose tokens have it, for allow and for deny entries. A SID
// that counts for neither has no row.
func (p *Principals) buildRows() {
	at := map[sid.SID]int{}
	var sids []sid.SID
	var lists []columns
	for c, t := range p.tokens {
		set, allow, deny := t.SIDs(), t.AllowBits(), t.DenyBits()
		for i := range set.Len() {
			a, d := allow.Has(i), deny.Has(i)
			if !a && !d {
				continue
			}
			s := set.At(i)
			r, ok := at[s]
			if !ok {
				r = len(lists)
				at[s] = r
				sids, lists = append(sids, s), append(lists, columns{})
			}
			lists[r].add(uint32(c), a, d, p.width)
		}
	}
	p.sids = sidset.New(sids)
	p.rows = make([]row, len(lists))
	shared := map[string]vector{}
	for i := range lists {
		l := &lists[i]
		p.rows[i].allow = p.vector(shared, l.allow.all())
		p.rows[i].deny = p.rows[i].allow
		if l.differ {
			p.rows[i].deny = p.vector(shared, l.deny.all())
		}
		*l = columns{}
	}
}

// vector returns the set of the given tokens for a row of the matrix. Large equal sets are shared: Everyone,
// Authenticated Users and others match the same tokens.
func (p *Principals) vector(shared map[string]vector, tokens []uint32) vector {
	v := newVector(tokens, p.width)
	if v.at != nil || len(v.words) < 8 {
		return v
	}
	key := make([]byte, 0, 8*len(v.words))
	for _, w := range v.words {
		key = append(key, byte(w), byte(w>>8), byte(w>>16), byte(w>>24), byte(w>>32), byte(w>>40), byte(w>>48), byte(w>>56))
	}
	if known, ok := shared[string(key)]; ok {
		return known
	}
	shared[string(key)] = v
	return v
}

// row returns the row of the matrix for a SID, or nil if no token has the SID. hash is the SID's hash.
func (p *Principals) row(hash uint32, s sid.SID) *row {
	if i := p.sids.Find(hash, s); i >= 0 {
		return &p.rows[i]
	}
	return nil
}

// Has reports whether the token of any principal has a SID, for allow or for deny entries. If it does not, an entry for
// the SID has no effect on the principals. The special SIDs, such as PRINCIPAL SELF and OWNER RIGHTS, are an exception:
// tokens do not have them, but their entries count.
func (p *Principals) Has(s sid.SID) bool { return p.row(s.Hash(), s) != nil }

// Len returns the number of principals.
func (p *Principals) Len() int {
	if p.column != nil {
		return len(p.column)
	}
	return len(p.tokens)
}

// Distinct returns the number of distinct tokens. Each of them is evaluated
// once.
func (p *Principals) Distinct() int { return len(p.tokens) }

// Token returns the token of principal i, or a token that gives the same
// results in every check.
func (p *Principals) Token(i int) *token.Token { return p.tokens[p.columnOf(i)] }

// columnOf returns the column of principal i, which equal tokens share.
func (p *Principals) columnOf(i int) int {
	if p.column != nil {
		return int(p.column[i])
	}
	return i
}

// expand converts a set of columns to the set of principals that have them, in dst. p.column must not be nil. Earlier
// contents of dst are lost.
func (p *Principals) expand(dst, columns Set) {
	clear(dst)
	for i, c := range p.column {
		if columns[c/64]>>(c%64)&1 != 0 {
			dst.add(i)
		}
	}
}
