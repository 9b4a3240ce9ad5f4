package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// tokenShape is the shape of a token file (docs/DESIGN.md) in the notation of shape. G is a group, P a privilege, C a
// claim, W a list of words.
var tokenShape = expand(`\{(user:<G>,|(deviceGroups|groups|restrictedDeviceGroups|restrictedSids):(z|\[(<G>,)*\]),|
	(deviceClaims|localAttributes|restrictedDeviceClaims|restrictedUserClaims|userClaims):(z|\[(<C>,)*\]),|
	privileges:(z|\[(<P>,)*\]),|(flags|mandatoryPolicy):<W>,|(restricted|sandboxInert|writeRestricted):[bz],|
	appContainer:(z|\{(capabilities:(z|\[(<G>,)*\]),)?(lowPrivilege:[bz],)?(number:[nsz],)?packageSid:s,\}),|
	(auditPolicy|defaultDacl|domain|elevationType|impersonationLevel|integrityLevel):[sz],|
	(isolationPrefix|owner|primaryGroup|source|trustLevel|type):[sz],|(authenticationId|dynamicCharged):[nsz],|
	(expirationTime|modifiedId|originatingLogon|parentTokenId|sessionId|sourceId):[nsz],)*\}`)

// certificateShape is the shape of a certificate (docs/certificates.md).
var certificateShape = expand(`
	\{adOwnerReadOnly:b,backup:b,certificate:s,claimsDisabled:b,descriptor:s,desired:s,digest:s,
	granted:s,kernelMode:b,level:s,mapping:\[s,s,s,s,\],objectTypes:\[(s,)*\],
	policies:\{(\*:\[(\[s,s,s,\],)*\],)*\},previous:s,primary:s,
	privileges:\[(s,)*\],restore:b,resultList:b,results:\[(s,)*\],self:s,status:s,
	steps:\[(\{ace:n,bits:s,granted:b,list:s,node:n,pass:s,rule:s,\},)*\],token:s,\}`)

// expand compiles a form, which describes the fields of a JSON object in the notation of shape, to a regular
// expression.
func expand(form string) *regexp.Regexp {
	form = strings.NewReplacer("\n", "", "\t", "", "<G>", `(s|\{(attributes:<W>,)?sid:s,\})`,
		"<P>", `(s|\{(attributes:<W>,)?name:s,\})`, "<C>",
		`\{(flags:[nsz],)?name:s,type:s,values:\[([sbn],)*\],\}`).Replace(form)
	return regexp.MustCompile("^" + strings.ReplaceAll(form, "<W>", `(z|\[(s,)*\])`) + "$")
}

var fieldName = regexp.MustCompile("^[a-zA-Z]+$")

// shape returns the kind of a value: s, n, b, z for null, [elements,] or {key:value,}, with * for a key that is not a
// word. It lists keys in order. A boolean is b.
func shape(v any) string {
	out := "z"
	switch v := v.(type) {
	case string:
		return "s"
	case bool:
		return "b"
	case json.Number:
		return "n"
	case []any:
		out = "["
		for _, element := range v {
			out += shape(element) + ","
		}
		out += "]"
	case map[string]any:
		out = "{"
		for _, key := range slices.Sorted(maps.Keys(v)) {
			name := key
			if !fieldName.MatchString(key) {
				name = "*"
			}
			out += name + ":" + shape(v[key]) + ","
		}
		out += "}"
	}
	return out
}
