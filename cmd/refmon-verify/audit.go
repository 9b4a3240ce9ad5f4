package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/bits"
	"os"
	"strconv"
	"strings"
)

// maxFile is the largest file in bytes, far above any certificate and its inputs.
const maxFile = 64 << 20

// readFiles returns the contents of least to most files. For another number, and for a file that cannot be read or is
// larger than maxFile, it prints what to do and returns nil.
func readFiles(names []string, least, most int) (files []string) {
	if len(names) < least || len(names) > most {
		fmt.Println(usage)
		return nil
	}
	for _, name := range names {
		b, err := readFile(name)
		if err != nil {
			fmt.Printf("refmon-verify: %v: give a file that can be read\n", err)
			return nil
		}
		files = append(files, string(b))
	}
	return files
}

// readFile returns the contents of a file. One that is larger than maxFile, or has no end, is an error.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	return b, err
}

// runAudit checks a proof of an audit log and prints the outcome. It returns the exit codes of run.
func runAudit(args []string) int {
	files := readFiles(args, 2, 3)
	if files == nil {
		return 2
	}
	if len(files) == 3 && files[2] == "" { // verifyAudit would check a proof of a record
		return sayVerdict("", fmt.Errorf("the old checkpoint is empty: give a copy of DIR/checkpoint"))
	}
	return sayVerdict(verifyAudit(files[0], files[1], strings.Join(files[2:], "")))
}

// checkpoint is the signed head of a log: its name, its size and the root of its tree.
type checkpoint struct {
	origin string
	size   uint64
	root   string
}

// verifyAudit verifies a proof of the audit log with a public key. If old is a checkpoint, the new checkpoint must
// continue it. If old is "", the log must contain the proof's record. outcome describes the verified facts. Any
// failed check is an error.
func verifyAudit(key, proof, old string) (outcome string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	head, signed, ok := strings.Cut(proof, "\n\n")
	check(ok, "the proof has no checkpoint")
	now := openCheckpoint("the proof", signed, key)
	lines := strings.Split(head, "\n")
	if old != "" {
		then := openCheckpoint("the old checkpoint", old, key)
		check(lines[0] == fmt.Sprintf("old %d", then.size),
			"the proof does not start from the old checkpoint, of %d records", then.size)
		check(then.origin == now.origin, "the checkpoints are of two logs")
		consistent(then, now, hashes(lines[1:]))
		return fmt.Sprintf("%s, %d records, continues the one of %d records", now.origin, now.size, then.size), nil
	}
	check(lines[0] == "c2sp.org/tlog-proof@v1" && len(lines) >= 3, "the proof is of another form")
	record, ok := strings.CutPrefix(lines[1], "extra ")
	check(ok, "the proof has no record")
	payload := decode("the record", record)
	index, ok := strings.CutPrefix(lines[2], "index ")
	check(ok, "the proof has no index")
	n := number("the index", index)
	check(n < now.size, "record %d is behind the checkpoint", n+1)
	check(included(hashOf("\x00", payload), n, now.size, hashes(lines[3:])) == now.root,
		"record %d is not in the tree of the checkpoint", n+1)
	check(strings.HasPrefix(payload, fmt.Sprintf(`{"id":%d,`, n+1)), "the record has another number than its place")
	return fmt.Sprintf("%s, record %d of %d: %s", now.origin, n+1, now.size, payload), nil
}

// openCheckpoint reads a signed note (c2sp.org/signed-note) whose text is a checkpoint. key has a public key in each
// line, and a good signature of one suffices. A wrong signature of any of them panics, and so does any other note.
// file names the file of the note in the errors.
func openCheckpoint(file, signed, key string) checkpoint {
	text, signatures, ok := strings.Cut(signed, "\n\n")
	check(ok, "%s: the checkpoint has no signature", file)
	text += "\n"
	good := false
	for _, line := range strings.Split(strings.TrimSpace(key), "\n") {
		good = signedBy(file, text, signatures, strings.TrimSpace(line)) || good
	}
	check(good, "%s: the checkpoint is not signed by the key", file)
	lines := strings.Split(text, "\n")
	check(len(lines) == 4, "%s: the checkpoint has other lines than origin, size and root", file)
	c := checkpoint{lines[0], number(file+": the size", lines[1]), decode(file+": the root", lines[2])}
	check(len(c.root) == sha256.Size, "%s: the root is not a hash", file)
	return c
}

// signedBy reports whether one of the signatures is the key's. An invalid signature of the key panics, so the note is
// rejected. A key or a line that is malformed panics as well.
func signedBy(file, text, signatures, key string) bool {
	part := strings.SplitN(key, "+", 3)
	check(len(part) == 3, "the public key is not of the form name+id+base64")
	public := decode("the public key", part[2])
	check(len(public) == 33 && public[0] == 1, "the public key is not an Ed25519 key")
	id := sha256.Sum256([]byte(part[0] + "\n" + public))
	check(fmt.Sprintf("%x", id[:4]) == part[1], "the id in the public key is another one than its own")
	good := false
	for _, line := range strings.Split(strings.TrimSuffix(signatures, "\n"), "\n") {
		word := strings.Split(line, " ")
		check(len(word) == 3 && word[0] == "—", "%s: a line behind the checkpoint is not a signature", file)
		sig := decode(file+": a signature", word[2])
		if word[1] != part[0] || len(sig) < 4 || sig[:4] != string(id[:4]) {
			continue
		}
		check(ed25519.Verify([]byte(public[1:]), []byte(text), []byte(sig[4:])), "%s: the signature of %s is wrong",
			file, part[0])
		good = true
	}
	return good
}

// decode decodes standard base64. It panics, as check does, for another text, also for one that is not in canonical
// form. what names the text in the error.
func decode(what, s string) string {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	check(err == nil && base64.StdEncoding.EncodeToString(b) == s, "%s: %.40q is not base64", what, s)
	return string(b)
}

// number parses a decimal number below 2⁶³ without leading zeros. It panics, as check does, for any other text.
func number(what, s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 63)
	check(err == nil && strconv.FormatUint(n, 10) == s, "%s: %.40q is not a number", what, s)
	return n
}

// hashes decodes lines of base64. It panics, as check does, for a line that is not a SHA-256 hash. Without lines it
// returns nil.
func hashes(lines []string) (out []string) {
	for _, line := range lines {
		h := decode("a line of the proof", line)
		check(len(h) == sha256.Size, "a line of the proof is not a hash")
		out = append(out, h)
	}
	return out
}

// hashOf returns the SHA-256 of the joined parts, in bytes.
func hashOf(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "")))
	return string(h[:])
}

// included returns the root of a tree of size leaves from a leaf's path (RFC 9162, 2.1.3.2). A wrong length panics.
func included(leaf string, index, size uint64, path []string) string {
	fn, sn, r := index, size-1, leaf
	for _, p := range path {
		check(sn > 0, "the proof is too long")
		if fn&1 == 1 || fn == sn {
			r = hashOf("\x01", p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = hashOf("\x01", r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	check(sn == 0, "the proof is too short")
	return r
}

// consistent panics unless the tree now continues the tree old (RFC 9162, section 2.1.4.2). An empty old tree is
// continued by every tree, with an empty proof. Equal sizes need equal roots and an empty proof.
func consistent(old, now checkpoint, path []string) {
	check(old.size <= now.size, "the old checkpoint has more records")
	if old.size == now.size || old.size == 0 {
		empty := sha256.Sum256(nil)
		same := old.size == 0 && old.root == string(empty[:]) || old.size == now.size && old.root == now.root
		check(same && len(path) == 0, "the roots of %d records differ", old.size)
		return
	}
	if bits.OnesCount64(old.size) == 1 {
		path = append([]string{old.root}, path...)
	}
	check(len(path) > 0, "the proof is too short")
	fn, sn := old.size-1, now.size-1
	for fn&1 == 1 {
		fn, sn = fn>>1, sn>>1
	}
	fr, sr := path[0], path[0]
	for _, c := range path[1:] {
		check(sn > 0, "the proof is too long")
		if fn&1 == 1 || fn == sn {
			fr, sr = hashOf("\x01", c, fr), hashOf("\x01", c, sr)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			sr = hashOf("\x01", sr, c)
		}
		fn, sn = fn>>1, sn>>1
	}
	check(sn == 0 && fr == old.root && sr == now.root, "the log does not continue the old checkpoint")
}
