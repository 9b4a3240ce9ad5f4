package auditlog

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	testcheck "github.com/refmon/refmon/internal/test/check"
)

// TestMalformedCheckpointIsRejected checks that each deviation from the format of a checkpoint has its own error
// (U-71).
func TestMalformedCheckpointIsRejected(t *testing.T) {
	const root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	text := func(lines ...string) string { return strings.Join(lines, "\n") }
	for in, why := range map[string]string{
		text("a", "7", root, ""): "", text("a", "0", root, ""): "", text("a", "9223372036854775807", root, ""): "",
		text("a", "7", root): "three lines", text("a", "7", root, "", ""): "three lines", text("", "7", root,
			""): "three lines",
		text("a", "7", root, "x"): "three lines", text("a", "7", ""): "three lines",
		text("a", "", root, ""): "is not a number", text("a", "-1", root, ""): "is not a number", text("a", "7 ", root,
			""): "is not a number",
		text("a", "9223372036854775808", root, ""): "is not a number",
		text("a", "7", "", ""):                     "is not the base64 of 32 bytes", text("a", "7", root[:40],
			""): "is not the base64 of 32 bytes",
		text("a", "7", "AAAA"+root, ""): "is not the base64 of 32 bytes", text("a", "7", "?"+root[1:],
			""): "is not the base64 of 32 bytes",
		text("a", "07", root, ""): "canonical form", text("a", "7", root[:42]+"B=", ""): "canonical form",
		text("a", "+7", root, ""): "is not a number", "": "three lines",
	} {
		c, err := parseCheckpoint(in)
		if why == "" {
			testcheck.That(t, err == nil && c.text() == in, "%q: %v", in, err)
			continue
		}
		testcheck.That(t, err != nil && strings.Contains(err.Error(), why),
			"%q: %v, want a refusal with %q", in, err, why)
	}
}

// TestLastCheckpointNeedsLogsKey checks that a log continues only after a checkpoint signed by one of its own keys: not
// after one signed by another key of the same name, nor after an altered one (U-71).
func TestLastCheckpointNeedsLogsKey(t *testing.T) {
	signerOf := func(name string) note.Signer {
		private, _, err := note.GenerateKey(nil, name)
		testcheck.NoError(t, err)
		return testcheck.Must(note.NewSigner(private))
	}
	own, same, other := signerOf("a.example/audit"), signerOf("a.example/audit"), signerOf("b.example/audit")
	c := Checkpoint{Origin: "a.example/audit", Size: 7}
	sign := func(by ...note.Signer) []byte {
		return testcheck.Must(signCheckpoint(&c, by))
	}
	altered := sign(own)
	at := strings.LastIndexByte(string(altered), ' ') + 12 // after the key's hash
	altered[at] ^= 1
	for name, tc := range map[string]struct {
		b     []byte
		valid bool
	}{
		"ours": {sign(own), true}, "ours and another's": {sign(own, other), true}, "another's and ours": {sign(other,
			own), true},
		"another's": {sign(other), false}, "another key's": {sign(same), false}, "altered": {altered, false},
	} {
		d := newMemDisk(t, "")
		testcheck.NoError(t, closed(put(d, checkpointName, bytesOf(tc.b))))
		cfg := testConfig(t, d)
		cfg.Signers = []note.Signer{own}
		w := &writer{log: &Log{cfg: cfg, origin: c.Origin}}
		got, err := w.lastCheckpoint()
		testcheck.That(t, (err == nil) == tc.valid && (!tc.valid || got == c), "%s: %+v, %v", name, got, err)
	}
}

// TestSignedNoteVectorVerifies checks the vector of c2sp.org/signed-note, and that a signed checkpoint can be opened
// (U-71).
func TestSignedNoteVectorVerifies(t *testing.T) {
	const vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
	const signature = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
	v := testcheck.Must(note.NewVerifier(vkey))
	_, err := OpenCheckpoint([]byte("This is an example message.\n\n— example.com/foo "+signature+"\n"), v)
	if err == nil || !strings.Contains(err.Error(), "three lines") { // signed, and not a checkpoint
		t.Errorf("the published note: %v", err)
	}
	signer, key := testKey(t)
	c := Checkpoint{Origin: "test.example/audit", Size: 7}
	signed := testcheck.Must(signCheckpoint(&c, []note.Signer{signer}))
	if got, err := OpenCheckpoint(signed, key); err != nil || got != c {
		t.Errorf("%+v, %v, want %+v, nil", got, err, c)
	}
	signed[len(signed)-3]++ // only its two spare bits change, so the signature is the same
	_, err = OpenCheckpoint(signed, key)
	testcheck.That(t, err != nil && strings.Contains(err.Error(), "canonical form"), "a second spelling: %v", err)
}

// TestEitherOfTwoKeysOpensCheckpoint checks that two keys sign during a key change, and that either one opens the
// checkpoint. A signing program signs like a key (U-71).
func TestEitherOfTwoKeysOpensCheckpoint(t *testing.T) {
	dir := t.TempDir()
	a := testcheck.Must(CreateKey(dir+"/a", "host.example/audit"))
	b := testcheck.Must(CreateKey(dir+"/b", "host.example/audit"))
	for _, signers := range [][]note.Signer{{a}, {b, a}, {b}} {
		writeLog(t, Config{Dir: dir + "/log", Signers: signers}, 0)
	}
	testcheck.ErrorIs(t, testcheck.Err(Open(Config{Dir: dir + "/log", Signers: []note.Signer{a}})), ErrDamaged,
		"Open with a key that did not sign the last checkpoint")
	keys := testcheck.Must(ReadPublicKey(dir + "/b.pub"))
	if v, err := Verify(Verification{Dir: dir + "/log", Keys: keys}); err != nil || v.Last != 6 || v.OwnKey ||
		v.KeyInside {
		t.Errorf("Verify = %+v, %v, want last record 6 and no key in the log's folder", v, err)
	}
	testcheck.That(t, testcheck.Err(CommandSigner("nonsense", "true")) != nil, "a public key of another form is taken")
}
