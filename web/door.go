package web

import (
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/internal/language"
)

// DoorKind is what is asked at a door.
type DoorKind string

// The kinds of doors.
const (
	DoorSignIn DoorKind = "signin" // name and password
	DoorCode   DoorKind = "code"   // a code
	DoorSetup  DoorKind = "setup"  // the first owner's name and password
	DoorJoin   DoorKind = "join"   // a new user's name and password
	DoorReset  DoorKind = "reset"  // another password
	DoorShare  DoorKind = "share"  // the password of a share link
	DoorClosed DoorKind = "closed" // nothing: the link is good for nothing
)

// Door is a page on which somebody says who they are.
type Door struct {
	Language language.Language
	Kind     DoorKind
	Action   string // path that the answer is sent to
	Next     string // where it leads; zero: where it usually does
	Name     string // of who is known, or was typed
	Site     string
	Role     account.Role
	Wrong    error // why the door stayed shut; nil: nobody tried
}

// WriteDoor writes such a page.
func WriteDoor(w io.Writer, d Door) error {
	return execute(w, "door.html", &doorView{d, newPen(d.Language, time.Time{}, nil)})
}

type doorView struct {
	Door
	pen
}

// Heading says what the page is for, Intro what to know.
func (v *doorView) Heading() string {
	return v.words[map[DoorKind]string{
		DoorSignIn: "signin_title", DoorCode: "code_title", DoorSetup: "setup_title", DoorJoin: "join_title",
		DoorReset: "reset_title", DoorShare: "open_title", DoorClosed: "closed_title",
	}[v.Kind]]
}

func (v *doorView) Intro() string {
	switch v.Kind {
	case DoorCode:
		return v.words["code_intro"]
	case DoorSetup:
		return v.words["setup_intro"]
	case DoorJoin:
		return fmt.Sprintf(v.words["join_intro"], roleWord(v.words, v.Role), siteWord(v.words, v.Site))
	case DoorReset:
		return fmt.Sprintf(v.words["reset_intro"], v.Name)
	case DoorShare:
		return v.words["open_intro"]
	case DoorClosed:
		return v.words["closed_intro"]
	}
	return ""
}

// Button is the word on the button.
func (v *doorView) Button() string {
	switch v.Kind {
	case DoorSetup, DoorJoin:
		return v.words["join_button"]
	case DoorReset:
		return v.words["reset_button"]
	case DoorShare:
		return v.words["open_button"]
	}
	return v.words["signin_button"]
}

// AsksName, AsksPassword, AsksNew and AsksCode tell which fields there are.
func (v *doorView) AsksName() bool {
	return v.Kind == DoorSignIn || v.Kind == DoorSetup || v.Kind == DoorJoin
}
func (v *doorView) AsksPassword() bool { return v.Kind == DoorSignIn || v.Kind == DoorShare }
func (v *doorView) AsksNew() bool {
	return v.Kind == DoorSetup || v.Kind == DoorJoin || v.Kind == DoorReset
}
func (v *doorView) AsksCode() bool    { return v.Kind == DoorCode }
func (v *doorView) IsSignIn() bool    { return v.Kind == DoorSignIn }
func (v *doorView) IsClosed() bool    { return v.Kind == DoorClosed }
func (v *doorView) WrongWord() string { return Problem(v.Lang, v.Wrong) }

// Self is where the form is sent, in the same language.
func (v *doorView) Self() string { return v.Action + "?lang=" + v.Lang.String() }

// Choices are the languages that the page is there in.
func (v *doorView) Choices() []choice {
	all := v.pen.Choices()
	if v.Next != "" {
		for i := range all {
			all[i].URL += "&" + url.Values{"next": {v.Next}}.Encode()
		}
	}
	return all
}
