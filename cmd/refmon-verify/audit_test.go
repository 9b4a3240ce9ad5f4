package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	testcheck "github.com/refmon/refmon/internal/test/check"
)

// TestVerifierAcceptsOnlyTrueAuditProofs proves each record of a log, and each checkpoint as a continuation of the
// earlier ones. Our Go and Python programs both accept these proofs and reject altered ones (U-70, U-71).
func TestVerifierAcceptsOnlyTrueAuditProofs(t *testing.T) {
	dir := t.TempDir()
	var olds [][]byte
	for range 4 {
		l := testcheck.Must(auditlog.Open(auditlog.Config{Dir: dir}))
		testcheck.NoError(t, l.Write(audit.LogArchived("é", 1, 9)))
		testcheck.NoError(t, l.Close())
		b := testcheck.Must(os.ReadFile(filepath.Join(dir, "checkpoint")))
		olds = append(olds, b)
	}
	public := testcheck.Must(os.ReadFile(filepath.Join(dir, "key.pub")))
	key := string(public)
	for id := uint64(1); id <= 12; id++ {
		proof := testcheck.Must(auditlog.ProveRecord(dir, id))
		accepted(t, fmt.Sprintf("proof of record %d", id), key, string(proof), "", "")
		if id%6 == 1 {
			python(t, true, public, proof)
		}
	}
	for i, old := range olds {
		proof := testcheck.Must(auditlog.ProveSince(dir, old))
		accepted(t, fmt.Sprintf("proof since %q", old), key, string(proof), string(old), "")
		if i == 1 {
			python(t, true, public, proof, old)
		}
	}
	proof := testcheck.Must(auditlog.ProveRecord(dir, 7))
	for at := 0; at < len(proof); at += 3 {
		altered := bytes.Clone(proof)
		altered[at] ^= 1
		refused(t, fmt.Sprintf("a proof altered at byte %d", at), key, string(altered), "", "")
		if at == 600 {
			python(t, false, public, altered)
		}
	}
	since := testcheck.Must(auditlog.ProveSince(dir, olds[1]))
	for at := 0; at < len(since); at += 3 {
		altered := bytes.Clone(since)
		altered[at] ^= 1
		refused(t, fmt.Sprintf("a continuation altered at byte %d", at), key, string(altered), string(olds[1]), "")
	}
	refused(t, "a proof from another checkpoint", key, string(since), string(olds[0]), "")
	refused(t, "a proof with another key", strings.Replace(key, "a", "b", 1), string(proof), "", "")
}

// python runs tools/verify.py with the same files.
func python(t *testing.T, want bool, files ...[]byte) {
	t.Helper()
	program, err := exec.LookPath("python3")
	if err != nil {
		t.Log("python3 is not here: tools/verify.py is not asked")
		return
	}
	args := []string{"../../tools/verify.py", "audit"}
	for i, b := range files {
		name := filepath.Join(t.TempDir(), string(rune('a'+i)))
		testcheck.NoError(t, os.WriteFile(name, b, 0o600))
		args = append(args, name)
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	testcheck.That(t, (err == nil) == want, "tools/verify.py: %s, want the verdict of the Go verifier", out)
}

// signer signs arbitrary checkpoints, like a forger with the key or a faulty log.
type signer struct {
	name string
	key  ed25519.PrivateKey
}

func newSigner(name string) signer {
	seed := sha256.Sum256([]byte(name))
	return signer{name, ed25519.NewKeyFromSeed(seed[:])}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func (s signer) public() string { return "\x01" + string(s.key.Public().(ed25519.PublicKey)) }

func (s signer) id() string {
	h := sha256.Sum256([]byte(s.name + "\n" + s.public()))
	return string(h[:4])
}

// line is the key as key.pub has it.
func (s signer) line() string {
	return fmt.Sprintf("%s+%x+%s\n", s.name, s.id(), b64(s.public()))
}

// signature is the line for a text.
func (s signer) signature(text string) string {
	return "— " + s.name + " " + b64(s.id()+string(ed25519.Sign(s.key, []byte(text)))) + "\n"
}

// note is a signed checkpoint.
func (s signer) note(origin string, size int, root string) string {
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, b64(root))
	return text + "\n" + s.signature(text)
}

func digest(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "")))
	return string(h[:])
}

// tree is the definition of RFC 9162, section 2.1.1.
func tree(leaves []string) string {
	switch len(leaves) {
	case 0:
		return digest()
	case 1:
		return digest("\x00", leaves[0])
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	return digest("\x01", tree(leaves[:k]), tree(leaves[k:]))
}

// path is that of section 2.1.3.1, of leaf m.
func path(m int, leaves []string) []string {
	if len(leaves) == 1 {
		return nil
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	if m < k {
		return append(path(m, leaves[:k]), tree(leaves[k:]))
	}
	return append(path(m-k, leaves[k:]), tree(leaves[:k]))
}

// since is that of section 2.1.4.1, from m leaves on.
func since(m int, leaves []string, whole bool) []string {
	if m == len(leaves) {
		if whole {
			return nil
		}
		return []string{tree(leaves)}
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	if m <= k {
		return append(since(m, leaves[:k], whole), tree(leaves[k:]))
	}
	return append(since(m-k, leaves[k:], false), tree(leaves[:k]))
}

func records(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(`{"id":%d,"event":1}`, i+1))
	}
	return list
}

func base64s(list []string) (text string) {
	for _, h := range list {
		text += "\n" + b64(h)
	}
	return text
}

// inclusion is the proof of a record.
func inclusion(payload string, index int, list []string, note string) string {
	return fmt.Sprintf("c2sp.org/tlog-proof@v1\nextra %s\nindex %d%s\n\n%s", b64(payload), index, base64s(list), note)
}

// consistency returns a consistency proof.
func consistency(old int, list []string, note string) string {
	return fmt.Sprintf("old %d%s\n\n%s", old, base64s(list), note)
}

// refused wants a proof refused, and for the reason given.
func refused(t *testing.T, name, key, proof, old, why string) {
	t.Helper()
	outcome, err := verifyAudit(key, proof, old)
	testcheck.That(t, err != nil && strings.Contains(err.Error(), why), "%s: %q, %v, want refused: %s", name, outcome, err,
		why)
}

// accepted wants a proof accepted, and with the outcome given unless that is "".
func accepted(t *testing.T, name, key, proof, old, want string) {
	t.Helper()
	got, err := verifyAudit(key, proof, old)
	testcheck.That(t, err == nil && (want == "" || got == want), "%s: %q, %v, want accepted: %s", name, got, err, want)
}

// TestRecordIsProvedOnlyAtItsIndex checks that each record of each small log is in its tree only by the path that RFC
// 6962 defines, and only at its own index (U-70).
func TestRecordIsProvedOnlyAtItsIndex(t *testing.T) {
	s := newSigner("log")
	for n := 1; n <= 9; n++ {
		leaves := records(n)
		note := s.note("log", n, tree(leaves))
		for i, leaf := range leaves {
			way := path(i, leaves)
			name := fmt.Sprintf("record %d of %d", i+1, n)
			want := fmt.Sprintf("log, record %d of %d: %s", i+1, n, leaf)
			accepted(t, name, s.line(), inclusion(leaf, i, way, note), "", want)
			refused(t, name+", longer", s.line(), inclusion(leaf, i, append(way[:len(way):len(way)], tree(nil)), note), "",
				"the proof is too long")
			refused(t, name+", behind", s.line(), inclusion(leaf, n, way, note), "", fmt.Sprintf("record %d is behind", n+1))
			refused(t, name+", another", s.line(), inclusion(leaf+" ", i, way, note), "", "is not in the tree")
			if n > 1 {
				refused(t, name+", shorter", s.line(), inclusion(leaf, i, way[1:], note), "", "")
				refused(t, name+", elsewhere", s.line(), inclusion(leaf, (i+1)%n, way, note), "", "")
			}
		}
	}
	leaves := []string{`{"id":2,"event":1}`, `{"id":1,"event":1}`, `{"id":30}`}
	note := s.note("log", 3, tree(leaves))
	for i, leaf := range leaves {
		refused(t, "a log that counts wrongly", s.line(), inclusion(leaf, i, path(i, leaves), note), "",
			"the record has another number than its place")
	}
}

// TestLogContinuesOnlyItsPrefixes checks that each small log continues each of its prefixes, and no other log (U-71).
func TestLogContinuesOnlyItsPrefixes(t *testing.T) {
	s := newSigner("log")
	for n := 1; n <= 9; n++ {
		leaves := records(n)
		now := s.note("log", n, tree(leaves))
		for m := 1; m <= n; m++ {
			name := fmt.Sprintf("%d since %d", n, m)
			way, old := since(m, leaves, true), s.note("log", m, tree(leaves[:m]))
			want := fmt.Sprintf("log, %d records, continues the one of %d records", n, m)
			accepted(t, name, s.line(), consistency(m, way, now), old, want)
			forked := s.note("log", m, tree(append(records(m-1), "x")))
			refused(t, name+", forked before", s.line(), consistency(m, way, now), forked, "")
			refused(t, name+", forked since", s.line(), consistency(m, way, s.note("log", n, tree(append(records(n-1), "x")))),
				old, "")
			refused(t, name+", longer", s.line(), consistency(m, append(way[:len(way):len(way)], tree(nil)), now), old, "")
			refused(t, name+", another number", s.line(), consistency(m+1, way, now), old,
				fmt.Sprintf("the proof does not start from the old checkpoint, of %d records", m))
			refused(t, name+", another log", s.line(), consistency(m, way, now), s.note("other", m, tree(leaves[:m])),
				"the checkpoints are of two logs")
			if len(way) > 0 {
				refused(t, name+", shorter", s.line(), consistency(m, way[:len(way)-1], now), old, "")
				refused(t, name+", nothing", s.line(), consistency(m, nil, now), old, "")
			}
			if m < n {
				refused(t, name+", backwards", s.line(), consistency(n, way, old), now, "the old checkpoint has more records")
			}
		}
		empty := s.note("log", 0, tree(nil))
		accepted(t, fmt.Sprintf("%d records since the empty log", n), s.line(), consistency(0, nil, now), empty, "")
		refused(t, "since 0 with a path", s.line(), consistency(0, []string{tree(nil)}, now), empty, "the roots of 0 records")
		refused(t, "since 0 of another root", s.line(), consistency(0, nil, now), s.note("log", 0, tree(leaves)),
			"the roots of 0 records")
		refused(t, "equal sizes", s.line(), consistency(n, nil, now), s.note("log", n, tree(nil)), "the roots of")
	}
}

// TestProofBeyondLogIsRefused checks that a log that signs a wrong tree size proves nothing, even if the hashes
// match.
func TestProofBeyondLogIsRefused(t *testing.T) {
	s := newSigner("log")
	leaves := records(4)
	note := s.note("log", 8, tree(leaves))
	refused(t, "a record", s.line(), inclusion(leaves[0], 0, path(0, leaves), note), "", "the proof is too short")
	refused(t, "a continuation", s.line(), consistency(2, since(2, leaves, true), note),
		s.note("log", 2, tree(leaves[:2])), "the log does not continue the old checkpoint")
}

// TestCheckpointNeedsItsSigner checks that a checkpoint is accepted from its signer only, in one spelling.
func TestCheckpointNeedsItsSigner(t *testing.T) {
	s, other := newSigner("log"), newSigner("other")
	leaves := records(2)
	root := tree(leaves)
	with := func(note string) string { return inclusion(leaves[0], 0, path(0, leaves), note) }
	good := s.note("log", 2, root)
	text := "log\n2\n" + b64(root) + "\n"
	long := "log\n2\n" + b64(root) + "\nmore\n"
	zeros := "log\n02\n" + b64(root) + "\n"
	broken := "log\n2\n" + b64(root)[:4] + "\r" + b64(root)[4:] + "\n"
	brief := "log\n2\n" + b64(root[1:]) + "\n"
	for name, c := range map[string][2]string{
		"a second signer's line":  {s.line(), with(good + other.signature(text))},
		"a second key":            {other.line() + s.line(), with(good)},
		"a second key after it":   {s.line() + other.line(), with(good)},
		"signed by both":          {other.line() + s.line(), with(good + other.signature(text))},
		"a line of another key":   {s.line(), with(text + "\n" + other.signature(text) + s.signature(text))},
		"blanks around the key":   {"\n " + s.line() + "\n", with(good)},
		"two signatures of a key": {s.line(), with(good + s.signature(text))},
	} {
		accepted(t, "checkpoint with "+name, c[0], c[1], "", "")
	}
	id, public := fmt.Sprintf("%x", s.id()), s.public()
	key2 := "\x02" + public[1:]
	h := sha256.Sum256([]byte("log\n" + key2))
	for name, c := range map[string][3]string{
		"another signer":      {s.line(), with(other.note("log", 2, root)), "the checkpoint is not signed by the key"},
		"no signature":        {s.line(), with(text), "the checkpoint has no signature"},
		"nothing behind it":   {s.line(), with(text + "\n"), "is not a signature"},
		"no checkpoint":       {s.line(), "c2sp.org/tlog-proof@v1", "the proof has no checkpoint"},
		"a wrong signature":   {s.line(), with(text + "\n" + s.signature(text+" ")), "the signature of log is wrong"},
		"one good, one wrong": {s.line(), with(good + s.signature(text+" ")), "the signature of log is wrong"},
		"the second is wrong": {s.line() + other.line(), with(good + other.signature(text+" ")), "of other is wrong"},
		"no dash":             {s.line(), with(strings.Replace(good, "— ", "- ", 1)), "is not a signature"},
		"a word more":         {s.line(), with(strings.TrimSuffix(good, "\n") + " x\n"), "is not a signature"},
		"a short signature":   {s.line(), with(text + "\n— log " + b64("abc") + "\n"), "is not signed by the key"},
		"four lines":          {s.line(), with(long + "\n" + s.signature(long)), "other lines than origin, size and root"},
		"a leading zero":      {s.line(), with(zeros + "\n" + s.signature(zeros)), `"02" is not a number`},
		"a CR in the root":    {s.line(), with(broken + "\n" + s.signature(broken)), "is not base64"},
		"a short root":        {s.line(), with(brief + "\n" + s.signature(brief)), "the root is not a hash"},
		"a key of two parts":  {"log+" + id, with(good), "not of the form name+id+base64"},
		"a key's other id":    {"log+00000000+" + b64(public), with(good), "another one than its own"},
		"no Ed25519":          {fmt.Sprintf("log+%x+%s", h[:4], b64(key2)), with(good), "not an Ed25519 key"},
		"a long key":          {"log+" + id + "+" + b64(public+"x"), with(good), "not an Ed25519 key"},
		"blanks in base64":    {"log+" + id + "+" + b64(public) + "=", with(good), "is not base64"},
		"another form":        {s.line(), strings.Replace(with(good), "@v1", "@v2", 1), "of another form"},
		"no record":           {s.line(), strings.Replace(with(good), "extra ", "extra", 1), "the proof has no record"},
		"no index":            {s.line(), strings.Replace(with(good), "index ", "index", 1), "the proof has no index"},
		"a short hash": {s.line(), inclusion(leaves[0], 0, []string{root[1:]}, good),
			"a line of the proof is not a hash"},
	} {
		refused(t, name, c[0], c[1], "", c[2])
	}
}

// The exit code is 0 for a valid proof, 1 for an invalid one, and 2 if a file is missing.
func TestAuditExitCodes(t *testing.T) {
	s, dir := newSigner("log"), t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		testcheck.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	leaves := records(3)
	note := s.note("log", 3, tree(leaves))
	key, old := file("key.pub", s.line()), file("old", s.note("log", 2, tree(leaves[:2])))
	one := file("one", inclusion(leaves[1], 1, path(1, leaves), note))
	two, empty := file("two", consistency(2, since(2, leaves, true), note)), file("empty", "")
	for want, lines := range map[int][][]string{
		0: {{"audit", key, one}, {"audit", key, two, old}},
		1: {{"audit", key, two}, {"audit", key, one, old}, {"audit", one, one}, {"audit", key, two, one},
			{"audit", key, one, empty}},
		2: {{"audit"}, {"audit", key}, {"audit", key, one, old, old}, {"audit", key, dir + "/none"},
			{"audit", key, one, dir + "/none"}, {key, one}},
	} {
		for _, args := range lines {
			testcheck.Equal(t, run(args), want, "%q: exit code", args)
		}
	}
}

// TestMalformedInclusionProofIsRejected checks that an inclusion proof has three lines and its checkpoint.
func TestMalformedInclusionProofIsRejected(t *testing.T) {
	s := newSigner("log")
	leaves := records(1)
	whole := inclusion(leaves[0], 0, nil, s.note("log", 1, tree(leaves)))
	head, note, _ := strings.Cut(whole, "\n\n")
	lines := strings.Split(head, "\n")
	for n := range lines {
		refused(t, fmt.Sprintf("%d lines", n), s.line(), strings.Join(lines[:n], "\n")+"\n\n"+note, "",
			"the proof is of another form")
	}
}
