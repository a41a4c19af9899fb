// Asks Go's own reading of the standards (golang.org/x/mod/sumdb note and tlog) about our files.
//
// It reads one JSON question from standard input and prints one JSON answer:
//
//	check    opens our checkpoint with our keys, checks our proofs, and makes the same proofs again from our static tiles
//	make     makes a log of its own, with proofs, for us to check
//	witness  submits our checkpoint to one of our witnesses with proofs of its own, and opens what comes back
//
// Built with packages of Debian alone: GO111MODULE=off GOPATH=/usr/share/gocode go build.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Kind    string   `json:"kind"`
	Folder  string   `json:"folder"`
	Vkeys   []string `json:"vkeys"`
	Proofs  []proof  `json:"proofs"`
	Entries []string `json:"entries"` // base64, for "make"
	Url     string   `json:"url"`
	OldSize int64    `json:"old_size"` // what the witness is told first
}

// proof is one of ours: of an entry (Old < 0) or of growth from Old entries.
type proof struct {
	Index   int64    `json:"index"`
	Entry   []byte   `json:"entry"`
	Old     int64    `json:"old"`
	OldRoot []byte   `json:"old_root"`
	Path    [][]byte `json:"path"`
}

type answer struct {
	Origin   string    `json:"origin"`
	Size     int64     `json:"size"`
	Root     []byte    `json:"root"`
	Signers  []string  `json:"signers"`
	Verdicts []verdict `json:"verdicts"`
	Note     string    `json:"note"`
	Vkey     string    `json:"vkey"`
	Proofs   []proof   `json:"proofs"`
	Statuses []int     `json:"statuses"`
}

// verdict: whether a proof was accepted, whether Go's own from our tiles is the same, and whether our bundles hold the entry.
type verdict struct {
	Accepted bool   `json:"accepted"`
	Same     bool   `json:"same"`
	Bundled  bool   `json:"bundled"`
	Problem  string `json:"problem"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// cosigner verifies Ed25519 cosignatures (type 4), written from tlog-cosignature.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

func verifier(vkey string) note.Verifier {
	parts := strings.SplitN(vkey, "+", 3)
	data, err := base64.StdEncoding.DecodeString(parts[2])
	must(err)
	if data[0] != 4 {
		known, err := note.NewVerifier(vkey)
		must(err)
		return known
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), data...))
	if fmt.Sprintf("%x", sum[:4]) != parts[1] {
		must(errors.New("the cosigner's key id does not fit"))
	}
	return &cosigner{parts[0], binary.BigEndian.Uint32(sum[:4]), ed25519.PublicKey(data[1:])}
}

func open(text []byte, vkeys []string) (*note.Note, string, tlog.Tree) {
	var known []note.Verifier
	for _, vkey := range vkeys {
		known = append(known, verifier(vkey))
	}
	opened, err := note.Open(text, note.VerifierList(known...))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	return opened, lines[0], tlog.Tree{N: size, Hash: root}
}

// tiles reads ours: tile/<level>/<number>[.p/<width>], numbers in groups of three digits.
type tiles struct{ folder string }

func (t tiles) Height() int                     { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.folder, path(strconv.Itoa(tile.L), tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func path(level string, number int64, width int) string {
	text := fmt.Sprintf("%03d", number%1000)
	for number >= 1000 {
		number /= 1000
		text = fmt.Sprintf("x%03d/%s", number%1000, text)
	}
	if width < 256 {
		text += fmt.Sprintf(".p/%d", width)
	}
	return "tile/" + level + "/" + text
}

// entry reads one entry from our bundles: a length of two bytes before each.
func entry(folder string, index, size int64) ([]byte, error) {
	width := int64(256)
	if (index/256+1)*256 > size {
		width = size % 256
	}
	data, err := os.ReadFile(filepath.Join(folder, path("entries", index/256, int(width))))
	if err != nil {
		return nil, err
	}
	for place := int64(0); ; place++ {
		length := int(binary.BigEndian.Uint16(data))
		if place == index%256 {
			return data[2 : 2+length], nil
		}
		data = data[2+length:]
	}
}

func hashes(path [][]byte) []tlog.Hash {
	var all []tlog.Hash
	for _, node := range path {
		var hash tlog.Hash
		copy(hash[:], node)
		all = append(all, hash)
	}
	return all
}

func raw(path []tlog.Hash) [][]byte {
	all := [][]byte{}
	for i := range path {
		all = append(all, append([]byte{}, path[i][:]...))
	}
	return all
}

func same(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func check(asked question) answer {
	text, err := os.ReadFile(filepath.Join(asked.Folder, "checkpoint"))
	must(err)
	opened, origin, tree := open(text, asked.Vkeys)
	told := answer{Origin: origin, Size: tree.N, Root: tree.Hash[:]}
	for _, signature := range opened.Sigs {
		told.Signers = append(told.Signers, signature.Name)
	}
	reader := tlog.TileHashReader(tree, tiles{asked.Folder})
	for _, one := range asked.Proofs {
		told.Verdicts = append(told.Verdicts, judge(asked.Folder, one, tree, reader))
	}
	return told
}

func judge(folder string, one proof, tree tlog.Tree, reader tlog.HashReader) verdict {
	var problem error
	var found verdict
	if one.Old < 0 {
		problem = tlog.CheckRecord(hashes(one.Path), tree.N, tree.Hash, one.Index, tlog.RecordHash(one.Entry))
		own, err := tlog.ProveRecord(tree.N, one.Index, reader)
		must(err)
		found.Same = same(own, hashes(one.Path))
		data, err := entry(folder, one.Index, tree.N)
		must(err)
		found.Bundled = bytes.Equal(data, one.Entry)
	} else {
		var old tlog.Hash
		copy(old[:], one.OldRoot)
		problem = tlog.CheckTree(hashes(one.Path), tree.N, tree.Hash, one.Old, old)
		own, err := tlog.ProveTree(tree.N, one.Old, reader)
		must(err)
		found.Same = same(own, hashes(one.Path))
	}
	found.Accepted = problem == nil
	if problem != nil {
		found.Problem = problem.Error()
	}
	return found
}

func makeLog(asked question) answer {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var all []tlog.Hash
		for _, index := range indexes {
			all = append(all, stored[index])
		}
		return all, nil
	})
	roots := map[int64]tlog.Hash{}
	for number, text := range asked.Entries {
		data, err := base64.StdEncoding.DecodeString(text)
		must(err)
		more, err := tlog.StoredHashes(int64(number), data, reader)
		must(err)
		stored = append(stored, more...)
		roots[int64(number+1)], err = tlog.TreeHash(int64(number+1), reader)
		must(err)
	}
	size := int64(len(asked.Entries))
	secret, public, err := note.GenerateKey(rand.Reader, "go.example/log")
	must(err)
	signer, err := note.NewSigner(secret)
	must(err)
	root := roots[size]
	text := fmt.Sprintf("go.example/log\n%d\n%s\n", size, base64.StdEncoding.EncodeToString(root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	must(err)
	told := answer{Note: string(signed), Vkey: public, Size: size, Root: root[:]}
	for number := int64(0); number < size; number++ {
		own, err := tlog.ProveRecord(size, number, reader)
		must(err)
		told.Proofs = append(told.Proofs, proof{Index: number, Old: -1, Path: raw(own)})
		old := number + 1
		grown, err := tlog.ProveTree(size, old, reader)
		must(err)
		before := roots[old]
		told.Proofs = append(told.Proofs, proof{Old: old, OldRoot: before[:], Path: raw(grown)})
	}
	return told
}

func submit(asked question) answer {
	text, err := os.ReadFile(filepath.Join(asked.Folder, "checkpoint"))
	must(err)
	_, origin, tree := open(text, asked.Vkeys[:1])
	told := answer{Origin: origin, Size: tree.N}
	old := asked.OldSize
	for try := 0; try < 2; try++ {
		body := fmt.Sprintf("old %d\n", old)
		if old > 0 {
			own, err := tlog.ProveTree(tree.N, old, tlog.TileHashReader(tree, tiles{asked.Folder}))
			must(err)
			for _, node := range own {
				body += base64.StdEncoding.EncodeToString(node[:]) + "\n"
			}
		}
		reply, err := http.Post(asked.Url+"add-checkpoint", "text/plain", strings.NewReader(body+"\n"+string(text)))
		must(err)
		data, err := io.ReadAll(reply.Body)
		must(err)
		told.Statuses = append(told.Statuses, reply.StatusCode)
		if reply.StatusCode == 200 {
			opened, _, _ := open(append(text, data...), asked.Vkeys)
			for _, signature := range opened.Sigs {
				told.Signers = append(told.Signers, signature.Name)
			}
			return told
		}
		if reply.StatusCode != 409 || reply.Header.Get("Content-Type") != "text/x.tlog.size" {
			return told
		}
		old, err = strconv.ParseInt(strings.TrimSuffix(string(data), "\n"), 10, 64)
		must(err)
	}
	return told
}

func main() {
	var asked question
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	deeds := map[string]func(question) answer{"check": check, "make": makeLog, "witness": submit}
	must(json.NewEncoder(os.Stdout).Encode(deeds[asked.Kind](asked)))
}
