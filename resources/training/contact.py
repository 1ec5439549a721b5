"""The prompts of the Emoji model's contact sheet: 64, each drawn once, with seed 0. Asked by the
command `sheet`.
"""

from __future__ import annotations

# fmt: off
PROMPTS = (
    "cat face", "dog face", "owl", "penguin", "panda", "fox", "unicorn", "dragon face",
    "elephant", "frog", "octopus", "butterfly", "honeybee", "turtle", "shark", "tiger face",
    "red apple", "strawberry", "watermelon", "banana", "avocado", "pizza", "hamburger", "sushi",
    "birthday cake", "doughnut", "ice cream", "popcorn", "hot beverage", "bubble tea", "taco",
    "cookie", "grinning face", "smiling face with heart-eyes", "smiling face with sunglasses",
    "partying face", "robot", "ghost", "alien", "red heart",
    "rocket", "castle", "bicycle", "automobile", "sailboat", "airplane", "train", "rainbow",
    "flat illustration of cat face", "flat illustration of rocket", "flat illustration of pizza",
    "flat illustration of sunflower", "flat illustration of guitar", "flat illustration of robot",
    "flat illustration of house", "flat illustration of rose",
    "owl on a purple background", "red apple on a blue background", "rocket on a navy background",
    "birthday cake on a pink background", "แมว", "หมีแพนด้า", "จรวด", "พิซซ่า",
)
# fmt: on
