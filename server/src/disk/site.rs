//! Every place that asks something of the disk, by name and by what it asks. A test fails each of them once with each error, so a new one has to be met by
//! its script. Never here: what is done about an error.

use std::fmt;

/// What is asked of the disk at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    MakeDir,
    Create,
    Open,
    Meta,
    List,
    Rename,
    MakePrivate,
    Remove,
    SyncDir,
    Room,
    Write,
    Read,
    Sync,
    Truncate,
}

macro_rules! sites {
    ($($site:ident: $call:ident, $words:literal;)*) => {
        /// Where the disk is asked, and for the log what was attempted there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Site {
            $($site,)*
        }

        impl Site {
            pub const ALL: &[Site] = &[$(Site::$site,)*];

            pub fn call(self) -> Call {
                match self {
                    $(Site::$site => Call::$call,)*
                }
            }

            /// What was attempted.
            pub fn words(self) -> &'static str {
                match self {
                    $(Site::$site => $words,)*
                }
            }
        }
    };
}

sites! {
    // -- the journal
    JournalFolder: MakeDir, "making the journal folder";
    StudioFolderSync: SyncDir, "syncing the studio folder";
    JournalList: List, "listing the journal folder";
    SegmentOpen: Open, "opening a journal segment";
    SegmentMeta: Meta, "measuring a journal segment";
    SegmentHeaderRead: Read, "reading the header of a journal segment";
    SegmentUnbegun: Remove, "removing a journal segment that was never begun";
    SegmentCreate: Create, "making a journal segment";
    SegmentHeader: Write, "writing the header of a journal segment";
    SegmentHeaderSync: Sync, "syncing the header of a journal segment";
    JournalFolderSync: SyncDir, "syncing the journal folder";
    RecordRead: Read, "reading records of the journal";
    TailCut: Truncate, "cutting off a torn tail of the journal";
    TailRead: Read, "reading the end of the journal";
    TailWrite: Write, "writing the end of the journal once more";
    TailSync: Sync, "syncing the end of the journal";
    JournalRoom: Room, "asking for the free room of the journal's disk";
    RecordWrite: Write, "writing the journal";
    RecordUndo: Truncate, "taking back a write to the journal";
    RecordSync: Sync, "syncing the journal";
    PayloadRead: Read, "reading an entry";
    EraseWrite: Write, "erasing a redacted entry";
    EraseSync: Sync, "syncing an erased entry";
    // -- audio under its digest
    BlobFolders: MakeDir, "making the folders of the audio";
    BlobRootSync: SyncDir, "syncing the studio folder for the audio";
    BlobFoldersList: List, "listing the folders of the audio";
    BlobFoldersSync: SyncDir, "syncing the folder of the audio's folders";
    BlobRoom: Room, "asking for the free room of the audio's disk";
    BlobFolder: MakeDir, "making a folder of the audio";
    BlobName: Rename, "giving audio its name";
    BlobFolderSync: SyncDir, "syncing a folder of the audio";
    BlobMeta: Meta, "looking for audio";
    BlobOpen: Open, "opening audio";
    BlobRead: Read, "reading audio";
    // -- audio that leaves
    TrashFolder: MakeDir, "making the trash";
    TrashMove: Rename, "moving audio that no fact names to the trash";
    TrashBack: Rename, "giving discarded audio its name back";
    TrashSync: SyncDir, "syncing the trash";
    TrashList: List, "listing the trash";
    TrashRemove: Remove, "erasing discarded audio";
    DerivedList: List, "listing what is derived";
    // -- uploads on their way
    UploadsList: List, "listing the uploads";
    UploadsSync: SyncDir, "syncing the folder of uploads";
    PartCreate: Create, "making the file of an upload";
    PartOpen: Open, "opening the file of an upload";
    PartMeta: Meta, "measuring the file of an upload";
    PartRead: Read, "reading an upload";
    PartWrite: Write, "writing an upload";
    PartCut: Truncate, "cutting an upload to its length";
    PartSync: Sync, "syncing an upload";
    PartRemove: Remove, "removing the files of an upload";
    MarksCreate: Create, "making the marks of an upload";
    MarksOpen: Open, "opening the marks of an upload";
    MarksRead: Read, "reading the marks of an upload";
    MarksCut: Truncate, "cutting off a torn mark of an upload";
    MarkWrite: Write, "marking how far an upload has come";
    MarkSync: Sync, "syncing the mark of an upload";
    SidecarCreate: Create, "making the description of an upload";
    SidecarWrite: Write, "writing the description of an upload";
    SidecarSync: Sync, "syncing the description of an upload";
    SidecarOpen: Open, "opening the description of an upload";
    SidecarRead: Read, "reading the description of an upload";
    // -- finished files that become audio, and bytes from memory
    GivenOpen: Open, "opening a finished file";
    GivenRead: Read, "reading a finished file";
    GivenSync: Sync, "syncing a finished file";
    GivenMove: Rename, "moving a finished file among the audio";
    GivenBack: Rename, "moving a finished file back";
    GivenPrivate: MakePrivate, "closing a finished file to others";
    GivenRemove: Remove, "removing a finished file that was copied";
    CopyCreate: Create, "making the copy of a finished file";
    CopyWrite: Write, "copying a finished file";
    CopySync: Sync, "syncing the copy of a finished file";
    BytesCreate: Create, "making a file for bytes";
    BytesWrite: Write, "writing bytes";
    BytesSync: Sync, "syncing bytes";
    // -- the egress book
    BookFolder: MakeDir, "making the folder of the egress book";
    BookRootSync: SyncDir, "syncing the studio folder for the egress book";
    BookOpen: Open, "opening the egress book";
    BookCreate: Create, "making the egress book";
    BookFolderSync: SyncDir, "syncing the folder of the egress book";
    BookMeta: Meta, "measuring the egress book";
    BookRead: Read, "reading the egress book";
    BookCut: Truncate, "cutting a torn end off the egress book";
    BookTailRead: Read, "reading the end of the egress book";
    BookTailWrite: Write, "writing the end of the egress book once more";
    BookTailSync: Sync, "syncing the end of the egress book";
    BookHead: Write, "beginning the egress book";
    BookHeadSync: Sync, "syncing the first page of the egress book";
    BookWrite: Write, "writing the egress book";
    BookUndo: Truncate, "taking back a write to the egress book";
    BookSync: Sync, "syncing the egress book";
    // -- what is made from audio and can be made again
    DerivedCreate: Create, "making a derived file";
    DerivedWrite: Write, "writing a derived file";
    DerivedName: Rename, "giving a derived file its name";
    DerivedRemove: Remove, "removing an unfinished derived file";
    DerivedOpen: Open, "opening a derived file";
    DerivedMeta: Meta, "measuring a derived file";
    DerivedRead: Read, "reading a derived file";
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
