package replay

import (
	_ "embed" // the texts are part of the program
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/vectors"
)

// Names of the calls, from the documented functions.
const (
	TextToSID        = "ConvertStringSidToSid"
	SIDToText        = "ConvertSidToStringSid"
	TextToDescriptor = "ConvertStringSecurityDescriptorToSecurityDescriptor"
	DescriptorToText = "ConvertSecurityDescriptorToStringSecurityDescriptor"
	NewDescriptor    = "CreatePrivateObjectSecurityEx"
	AccessCheck      = "AccessCheck" // of package vectors; Out names the function that was used
)

// Question is a call with its whole input. The zero value is empty.
type Question struct {
	Case  string
	Call  string
	In    Fields
	Rules []string
}

//go:embed texts.txt
var texts string

// Questions returns the built-in questions: the texts of texts.txt, the descriptors of the access vectors, and the
// access vectors. The error is about this embedded data. A descriptor that several vectors have is there once.
func Questions() ([]Question, error) {
	list, err := textQuestions(texts)
	if err != nil {
		return nil, err
	}
	// Each relation has 3 tokens, and each && is one: 1,999, 2,003 and 15,999 tokens.
	for _, relations := range []int{500, 501, 4000} {
		text := "O:SYG:SYD:(XA;;FR;;;WD;(" + strings.Repeat("@User.a == 1 && ", relations-1) + "@User.a == 1))"
		list = append(list, Question{Case: fmt.Sprintf("S-35, %d relations", relations), Call: TextToDescriptor,
			In: Fields{"sddl": text}, Rules: []string{"S-35"}})
	}
	seen := map[string]bool{}
	var checks []Question
	for v, err := range vectors.Access() {
		if err != nil {
			return nil, err
		}
		in := Fields{}
		if err := json.Unmarshal(v.In, &in); err != nil {
			return nil, err
		}
		id, _ := in["id"].(string)
		if text, ok := in["sd"].(string); ok && !seen[text] {
			seen[text] = true
			list = append(list, Question{Case: id + " sd", Call: TextToDescriptor, In: Fields{"sddl": text},
				Rules: []string{"S-46"}})
		}
		checks = append(checks, Question{Case: id, Call: AccessCheck, In: in, Rules: v.Provenance.Rules})
	}
	return append(list, checks...), nil
}

// conditionToken is the token for "condition" lines.
const conditionToken = `{"user":"S-1-5-21-1-2-3-1001","groups":["S-1-1-0","S-1-5-32-545"],"type":"Impersonation",
"impersonationLevel":"Impersonation",
"userClaims":[{"name":"one","type":"int64","values":[1]},{"name":"zero","type":"int64","values":[0]},
{"name":"text","type":"string","values":["x"]},
{"name":"shut","type":"int64","values":[1],"flags":4},
{"name":"yes","type":"boolean","values":[true]},{"name":"many","type":"int64","values":[1,2]}],
"deviceClaims":[{"name":"where","type":"string","values":["here"]}]}`

// conditions returns the two questions of a "condition" line: an allow entry and a deny entry with the condition.
// They are sorted by name.
func conditions(rule, name, condition string) (list []Question, err error) {
	var tok any
	if err := json.Unmarshal([]byte(conditionToken), &tok); err != nil {
		return nil, err
	}
	for kind, text := range map[string]string{"allows": "O:SYG:SYD:(XA;;FR;;;WD;%s)",
		"denies": "O:SYG:SYD:(XD;;FR;;;WD;%s)(A;;FR;;;WD)"} {
		id := name + ", " + kind
		list = append(list, Question{Case: id, Call: AccessCheck, Rules: []string{rule},
			In: Fields{"id": id, "token": tok, "sd": fmt.Sprintf(text, condition), "desired": "0x1"}})
	}
	slices.SortFunc(list, func(a, b Question) int { return strings.Compare(a.Case, b.Case) })
	return list, nil
}

// creation returns the input of a "create" line, nil for another line. A part "-" or an empty one sets no field.
func creation(text string) Fields {
	left, creator, _ := strings.Cut(text, " | ")
	words := strings.SplitN(left, " ", 3)
	if len(words) != 3 || creator == "" {
		return nil
	}
	kind, class, _ := strings.Cut(words[1], ":")
	in := Fields{"flags": words[0], "container": kind == "container", "mapping": "file"}
	for name, v := range map[string]string{"parent": words[2], "creator": creator, "objectType": class} {
		if v != "" && v != "-" {
			in[name] = v
		}
	}
	return in
}

// textQuestions parses lines of these forms: "RULE sid TEXT", "RULE sddl TEXT", "RULE sidHex HEX", "RULE sdHex HEX",
// "RULE condition TEXT" and "RULE create FLAGS KIND PARENT | CREATOR". TEXT may be a JSON string. Empty lines and #
// comments are ignored. A condition gives two questions. A malformed line is an error that names it, with a nil list.
func textQuestions(file string) (list []Question, err error) {
	count := map[string]int{}
	for n, line := range strings.Split(file, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rule, rest, _ := strings.Cut(line, " ")
		kind, text, ok := strings.Cut(rest, " ")
		if !ok {
			return nil, fmt.Errorf("texts.txt:%d: want a rule, a kind and a text", n+1)
		}
		if strings.HasPrefix(text, `"`) {
			if err := json.Unmarshal([]byte(text), &text); err != nil {
				return nil, fmt.Errorf("texts.txt:%d: %w", n+1, err)
			}
		}
		count[rule]++
		q := Question{Case: fmt.Sprintf("%s text %d", rule, count[rule]), Rules: []string{rule}}
		switch kind {
		case "condition":
			two, err := conditions(rule, q.Case, text)
			if err != nil {
				return nil, err
			}
			list = append(list, two...)
			continue
		case "create":
			if q.Call, q.In = NewDescriptor, creation(text); q.In == nil {
				return nil, fmt.Errorf("texts.txt:%d: want FLAGS KIND PARENT | CREATOR", n+1)
			}
		case "sid":
			q.Call, q.In = TextToSID, Fields{"sid": text}
		case "sddl":
			q.Call, q.In = TextToDescriptor, Fields{"sddl": text}
		case "sidHex":
			q.Call, q.In = SIDToText, Fields{"hex": text}
		case "sdHex":
			q.Call, q.In = DescriptorToText, Fields{"hex": text}
		default:
			return nil, fmt.Errorf("texts.txt:%d: no kind %q", n+1, kind)
		}
		list = append(list, q)
	}
	return list, nil
}

// Back returns the follow-up question for accepted text: converting its bytes back to text. out is the answer to q. ok
// is false if q is not a conversion of text or out has no bytes.
func (q Question) Back(out Fields) (back Question, ok bool) {
	hex, _ := out["hex"].(string)
	back = Question{Case: q.Case + ", back", In: Fields{"hex": hex}, Rules: q.Rules}
	switch q.Call {
	case TextToSID:
		back.Call = SIDToText
	case TextToDescriptor:
		back.Call = DescriptorToText
	}
	return back, hex != "" && back.Call != ""
}
