"""The BigGAN of portraits that ships, attribute by attribute: of 400 portraits that were asked to
show it, with all their other attributes drawn at random, the share that the judge sees it in; and
beside it the same share of drawn portraits. FID of 5,000 portraits (`evaluate`, kind "faces").
"""
import torch
from common import write

from course_lib.core import load
from course_lib.data import ATTRIBUTES, faces
from course_lib.evaluate import attributes, fid
from course_lib.recipes import weights
from course_lib.recipes.biggan import faces_biggan

TABLES = {"biggan_faces": ["attribute"]}

model, rows = load(faces_biggan(), weights("biggan_faces")), []
for i, name in enumerate(ATTRIBUTES):
    real = faces(400, seed=7, attributes={name: True})
    x = model.sample(400, y=real.attributes, generator=torch.Generator().manual_seed(i))
    shown = lambda images, i=i: (attributes(images)[:, i] > 0).float().mean().item()
    rows.append({"attribute": name, "shown": shown(x), "shown_in_drawn": shown(real.images)})
x = model.sample(5000, generator=torch.Generator().manual_seed(0))
rows = [row | {"fid_of_all": fid(x, kind="faces")} for row in rows]
print(sorted((row["shown"], row["attribute"]) for row in rows), rows[0]["fid_of_all"])
write("biggan_faces", rows)
